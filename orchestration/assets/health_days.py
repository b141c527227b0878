"""Past days of health as partitions: any range of them, scored again under any version."""

from datetime import date

import dagster as dg

from orchestration import policies, rescore

RESCORED_DAYS = dg.AssetKey(["health", "rescored_days"])
DAYS = dg.DailyPartitionsDefinition(start_date="2020-01-01")


class Rescoring(dg.Config):
    """What the days of a backfill are scored by."""

    version: str


def rescored_days(tags: dict[str, str]) -> dg.AssetsDefinition:
    """The asset `health/rescored_days`, made by the job that `tags` name: `make rescore` as a
    backfill."""
    policy = policies.policy_for(RESCORED_DAYS)

    @dg.asset(
        key=RESCORED_DAYS,
        partitions_def=DAYS,
        # Days lie in one table that one process writes: a range is one run.
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="e_marts_health",
        owners=[policy.owner],
        kinds={"dbt", "duckdb"},
        pool="warehouse",
        tags=tags,
        description=(
            "Stored days of health, scored again under the version that the run names. The scores"
            " of that version on those days are replaced, all others stay. health_version_moves"
            " says who moves; the next daily run publishes it."
        ),
    )
    def days(context: dg.AssetExecutionContext, config: Rescoring) -> dg.MaterializeResult:
        chosen = context.partition_key_range
        first, last = date.fromisoformat(chosen.start), date.fromisoformat(chosen.end)
        rescore.refuse(config.version, first, last)
        rescore.rescore_apart(config.version, first, last)
        moved = rescore.changes(config.version, last)
        return dg.MaterializeResult(
            metadata={
                "version": config.version,
                **{f"from {held} to {found}": count for held, found, count in moved},
            }
        )

    return days
