"""What may be dropped as a file: the columns of each schema, and when a row is none.

A schema is a folder of the drop (`csm_sentiment/...`) or the beginning of a file's name
(`csm_sentiment-2026-11.csv`), and one raw table. `docs/templates/` has an example of each,
docs/sources/files.md says it in words.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ingestion.drops.cells import Column, Meaning
from ingestion.tables import Column as RawColumn
from ingestion.tables import Kind, Table

# An exception to the score must be looked at again.
LONGEST_OVERRIDE = timedelta(days=90)
BANDS = ("green", "yellow", "red")
_PLAIN_NUMBER = re.compile(r"\d{1,3}(\.\d+)?")

Rule = Callable[[dict[str, Any]], str]


@dataclass(frozen=True)
class Schema:
    """One kind of file. `broken` says what is wrong between the cells of a row, if anything."""

    name: str
    columns: tuple[Column, ...]
    broken: Rule = lambda row: ""

    @property
    def table(self) -> Table:
        """Its raw table: the row as typed, and which file and row it stood in.

        Numbers are kept as text, to the last digit.
        """
        return Table(
            self.name,
            (
                RawColumn("file_name"),
                RawColumn("row_number", "bigint"),
                *(RawColumn(one.name, _KINDS[one.means]) for one in self.columns),
            ),
            key=("file_name", "row_number"),
            write="whole",
        )


_KINDS: dict[Meaning, Kind] = {
    "text": "text",
    "code": "text",
    "choice": "text",
    "email": "text",
    "currency": "text",
    "number": "text",
    "whole": "bigint",
    "date": "date",
    "month": "date",
    "moment": "timestamp",
}


def _needed(name: str, means: Meaning = "text", choices: str = "") -> Column:
    return Column(name, means, True, tuple(choices.split()))


def _maybe(name: str, means: Meaning = "text", choices: str = "") -> Column:
    return Column(name, means, False, tuple(choices.split()))


def _ends_after_start(row: dict[str, Any], start: str, end: str) -> str:
    return f"{end} is not after {start}" if row[end] and row[end] <= row[start] else ""


def _override(row: dict[str, Any]) -> str:
    if row["expires_on"] > row["from_on"] + LONGEST_OVERRIDE:
        return f"expires_on is more than {LONGEST_OVERRIDE.days} days after from_on"
    return _ends_after_start(row, "from_on", "expires_on")


def _score_override(row: dict[str, Any]) -> str:
    return _override(row) or _score_value(row)


def _score_value(row: dict[str, Any]) -> str:
    value: str = row["value"]
    if row["kind"] == "band":
        return "" if value in BANDS else f"value of a band is none of {', '.join(BANDS)}"
    if _PLAIN_NUMBER.fullmatch(value) and float(value) <= 100:
        return ""
    return "value of a cap is not a number from 0 to 100"


def _identity_override(row: dict[str, Any]) -> str:
    if row["action"] == "link" and not row["account"]:
        return "account is empty where a record is to be linked"
    return _ends_after_start(row, "valid_from", "valid_to")


def _of_somebody(row: dict[str, Any]) -> str:
    known = row["account"] or row["contact_email"]
    return "" if known else "account and contact_email are both empty"


def _not_negative(*names: str) -> Rule:
    def broken(row: dict[str, Any]) -> str:
        wrong = [name for name in names if row[name] is not None and row[name] < 0]
        return f"{', '.join(wrong)} is negative" if wrong else ""

    return broken


def _positive_rate(row: dict[str, Any]) -> str:
    return "" if row["usd_per_unit"] > 0 else "usd_per_unit is not above zero"


def _met(row: dict[str, Any]) -> str:
    if row["met_on"] and row["status"] != "met":
        return "met_on is given but status is not met"
    started: date = row["created_on"]
    return "met_on is before created_on" if row["met_on"] and row["met_on"] < started else ""


SCHEMAS = (
    Schema(
        "csm_sentiment",
        (
            _needed("account"),
            _needed("sentiment", "choice", "red yellow green"),
            _needed("author"),
            _needed("given_on", "date"),
            _maybe("reason"),
            _maybe("expires_on", "date"),
        ),
        lambda row: _ends_after_start(row, "given_on", "expires_on"),
    ),
    Schema(
        "success_plan_objectives",
        (
            _needed("account"),
            _needed("objective"),
            _needed("status", "choice", "draft active met missed dropped"),
            _maybe("owner"),
            _needed("created_on", "date"),
            _maybe("target_on", "date"),
            _maybe("met_on", "date"),
        ),
        _met,
    ),
    Schema(
        "score_overrides",
        (
            _needed("account"),
            _needed("kind", "choice", "cap band"),
            _needed("value", "code"),
            _needed("author"),
            _needed("reason"),
            _needed("from_on", "date"),
            _needed("expires_on", "date"),
        ),
        _score_override,
    ),
    Schema(
        "tier_overrides",
        (
            _needed("account"),
            _needed("touch_tier", "choice", "high low tech"),
            _needed("author"),
            _needed("reason"),
            _needed("from_on", "date"),
            _maybe("expires_on", "date"),
        ),
        lambda row: _ends_after_start(row, "from_on", "expires_on"),
    ),
    Schema(
        "identity_overrides",
        (
            _needed("record_source"),
            _needed("record_id"),
            _maybe("account"),
            _needed("action", "choice", "link unlink"),
            _needed("author"),
            _needed("reason"),
            _needed("valid_from", "date"),
            _maybe("valid_to", "date"),
        ),
        _identity_override,
    ),
    Schema(
        "touches",
        (
            _maybe("account"),
            _maybe("contact_email", "email"),
            _needed("type", "choice", "webinar newsletter help_centre event training content"),
            _needed("occurred_at", "moment"),
            _maybe("title"),
        ),
        _of_somebody,
    ),
    Schema(
        "community_activity",
        (
            _maybe("account"),
            _maybe("contact_email", "email"),
            _needed("type", "choice", "post question answer accepted_answer meetup award"),
            _needed("occurred_at", "moment"),
            _maybe("title"),
        ),
        _of_somebody,
    ),
    Schema(
        "feature_requests",
        (
            _needed("request_id"),
            _needed("title"),
            _needed("account"),
            _needed("status", "choice", "open planned in_progress shipped declined"),
            _maybe("votes", "whole"),
            _needed("requested_on", "date"),
            _maybe("shipped_on", "date"),
            _maybe("release"),
        ),
        _not_negative("votes"),
    ),
    Schema(
        "costs",
        (
            _needed("month", "month"),
            _needed("kind", "choice", "sales marketing cs cogs"),
            _needed("amount", "number"),
            _needed("currency", "currency"),
            _maybe("note"),
        ),
        _not_negative("amount"),
    ),
    Schema(
        "kpi_targets",
        (
            _needed("metric"),
            _maybe("segment"),
            _needed("month", "month"),
            _needed("target", "number"),
        ),
    ),
    Schema(
        "exchange_rates",
        (
            _needed("currency", "currency"),
            _needed("valid_from", "date"),
            _needed("usd_per_unit", "number"),
        ),
        _positive_rate,
    ),
    Schema(
        "account_notes",
        (
            _needed("account"),
            _needed("noted_on", "date"),
            _needed("author"),
            _needed("note"),
            _maybe("kind", "choice", "note hearing interview review"),
        ),
    ),
)
