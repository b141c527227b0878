"""Whether what readers get is still young, judged by the clock, whatever the last run did.

A run that finds nothing new does not build, so its checks on the marts do not run either, and the
data age all the same. These checks need neither a pull nor a build: they compare what the
publication says of itself with the clock.
"""

from collections.abc import Iterator

import dagster as dg
import duckdb

from orchestration import environment, freshness
from orchestration.assets.publication import mart_keys
from publish.reader import NoPublication

DATA_AGE = "data_age"


def mart_ages() -> dg.AssetChecksDefinition:
    """The step that judges the age of the data behind every published mart."""

    @dg.multi_asset_check(
        name="mart_ages",
        specs=[
            dg.AssetCheckSpec(
                DATA_AGE,
                asset=key,
                description=(
                    "The newest records of every source that this mart rests on are within that"
                    " source's window, as the publication has them."
                ),
            )
            for key in mart_keys()
        ],
        can_subset=True,
    )
    def ages(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        try:
            published = freshness.published(environment.publish_dir())
            why = "It is not in the publication."
        except (NoPublication, duckdb.CatalogException) as error:
            published, why = {}, str(error)
        for key in sorted(context.selected_asset_check_keys):
            yield _result(key, published.get(key.asset_key), why)

    return ages


def _result(
    key: dg.AssetCheckKey, found: freshness.Freshness | None, why_not: str
) -> dg.AssetCheckResult:
    as_of = environment.as_of()
    state = found.data_state(as_of) if found else "fail"
    metadata: dict[str, str | float] = {}
    if found and found.data_as_of:
        hours = (as_of - found.data_as_of).total_seconds() / 3600
        metadata = {"data_age_hours": round(hours, 2), "data_source": found.data_source or ""}
        why_not = f"{found.data_source} has sent nothing for {hours:.1f} h."
    return dg.AssetCheckResult(
        check_name=key.name,
        asset_key=key.asset_key,
        # A mart that rests on no source that delivered has no age.
        passed=state in ("pass", "unknown"),
        severity=dg.AssetCheckSeverity.WARN if state == "warn" else dg.AssetCheckSeverity.ERROR,
        description="Young enough." if state in ("pass", "unknown") else why_not,
        metadata=metadata,
    )
