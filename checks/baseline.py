"""What the last publication measured, so that the next one can be held against it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from checks.contract import mart_contracts
from checks.runner import verify


def published_values(published: Path, *, as_of: datetime) -> dict[str, float]:
    """Row counts and metrics of the mart contracts, measured on a published DuckDB file, named as
    the contracts' variables: PUBLISHED_<MART>_ROWS and PUBLISHED_<MART>_<QUALIFIER>.

    Empty when nothing has been published; without the names of a mart that the publication does not
    have. The contracts' defaults for these variables compare with nothing.
    """
    values: dict[str, float] = {}
    if not published.exists():
        return values
    for contract in mart_contracts():
        for check in verify(contract, published, {}, as_of=as_of):
            kind, _, qualifier = check.name.removeprefix("soda_").partition("metric_")
            what = qualifier if qualifier and not kind else "rows" if kind == "row_count" else None
            if what and "value" in check.metrics:
                values[f"PUBLISHED_{contract.stem}_{what}".upper()] = check.metrics["value"]
    return values
