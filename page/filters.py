"""Which customers of the book are looked at: by owner, tier, stage, band and a piece of a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NONE = "(none)"
COLUMNS = {
    "csm": "csm_name",
    "tier": "touch_tier",
    "stage": "lifecycle_stage",
    "band": "health_band",
}


@dataclass(frozen=True)
class Filters:
    """What was chosen; an empty choice keeps everything, NONE stands for a missing value."""

    csm: tuple[str, ...] = ()
    tier: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    band: tuple[str, ...] = ()
    search: str = ""
    with_others: bool = False

    def condition(self) -> tuple[str, dict[str, Any]]:
        """The SQL condition on customer_360, with its parameters."""
        conditions, parameters = ["true"], dict[str, Any]()
        if not self.with_others:
            # Without a billing source nobody knows who pays.
            conditions.append("is_customer is not false")
        for name, column in COLUMNS.items():
            if chosen := getattr(self, name):
                conditions.append(f"list_contains(${name}, coalesce({column}, '{NONE}'))")
                parameters[name] = list(chosen)
        if search := self.search.strip():
            text = "concat_ws(' ', account_name, domain, account_id)"
            conditions.append(f"contains(lower({text}), lower($search))")
            parameters["search"] = search
        return " and ".join(conditions), parameters
