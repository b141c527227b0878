"""The jobs and when they run. What touches the warehouse queues by tag instead of overlapping."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition as Job,
)

from ingestion import settings
from orchestration import policies
from orchestration.assets.ages import mart_ages
from orchestration.assets.audits import raw_contracts, record_key
from orchestration.assets.sources import REREAD_DAYS
from orchestration.translators import raw_key

TAGS = {
    "c360/warehouse": "true",
    "dagster/max_runtime": str(policies.MAX_RUNTIME_SECONDS),
}
READ_AGAIN = {**TAGS, REREAD_DAYS: str(policies.REREAD_DAYS)}

# Tag of assets that only one job makes, with the name of that job.
ONLY_IN = "c360/only_in"
MONTHLY, QUARTERLY = "monthly_close", "quarterly_backtest"
BACKFILL = "rescore_health"

# Hour zero in UTC has the day before whole; five leaves room for vendors that post late.
CRON = {
    "daily_graph": "0 5 * * *",
    "product_events": "20 * * * *",
    "data_ages": "50 * * * *",
    # Vendors are quiet, and nobody waits for the run.
    "weekly_reconciliation": "40 1 * * 0",
    # Late invoices and credit notes of the month are in.
    MONTHLY: "0 7 3 * *",
    QUARTERLY: "0 8 5 1,4,7,10 *",
}
HOURS_OF_A_DAY = 24


def jobs() -> list[Job]:
    """Every job, in the order of `CRON`."""
    ages = dg.AssetSelection.checks(mart_ages())
    seldom = only_in(MONTHLY) | only_in(QUARTERLY) | only_in(BACKFILL)
    everything = dg.AssetSelection.all() - seldom - ages
    return [
        dg.define_asset_job(
            "daily_graph",
            selection=everything,
            tags=TAGS,
            description="Pull every source, build, audit and publish: the whole graph.",
        ),
        dg.define_asset_job(
            "product_events",
            selection=_product_events() - seldom - ages,
            tags=TAGS,
            description="Pull product events and refresh what depends on them.",
        ),
        dg.define_asset_job(
            "data_ages",
            selection=ages | dg.AssetSelection.checks(*_raw_ages()),
            # Little to do: not worth a process per step.
            executor_def=dg.in_process_executor,
            description="Judge by the clock how old the data are, whether or not anything came.",
        ),
        dg.define_asset_job(
            "weekly_reconciliation",
            selection=everything,
            tags=READ_AGAIN,
            description=(
                f"The whole graph, with what cursors can miss: sources read {policies.REREAD_DAYS}"
                f" days again, Stripe everything. Launched with another number in the tag"
                f" {REREAD_DAYS} it fills a longer gap; what is stored already is not doubled."
            ),
        ),
        dg.define_asset_job(
            MONTHLY,
            selection=everything | only_in(MONTHLY),
            tags=READ_AGAIN,
            description="Reconcile, build, audit, publish, and keep that publication of the month.",
        ),
        dg.define_asset_job(
            QUARTERLY,
            selection=only_in(QUARTERLY),
            tags=TAGS,
            description="Hold the health scores of the past against what became of the customers.",
        ),
    ]


def backfills() -> list[Job]:
    """Jobs that a person starts for a range of days; none has a schedule."""
    return [
        dg.define_asset_job(
            BACKFILL,
            selection=only_in(BACKFILL),
            tags=TAGS,
            description="Score past days of health under the version that the run names.",
        ),
    ]


def only_in(job: str) -> dg.AssetSelection:
    """What only this job makes."""
    return dg.AssetSelection.tag(ONLY_IN, job)


def _product_events() -> dg.AssetSelection:
    """Sources that must be fresher than a day, and what rests on them."""
    logs = [raw_key(source, "pulls") for source in settings.enabled_sources()]
    hourly = [key for key in logs if policies.policy_for(key).made_within.warn < HOURS_OF_A_DAY]
    pulled = dg.AssetSelection.assets(*hourly).required_multi_asset_neighbors()
    # Reported by the audits' steps; no step of its own makes them.
    return pulled.downstream() - dg.AssetSelection.assets(record_key("raw"), record_key("marts"))


def _raw_ages() -> list[dg.AssetCheckKey]:
    """The checks of the raw contracts that judge an age."""
    return [
        spec.key
        for contract in raw_contracts()
        for spec in contract.specs()
        if spec.name == "soda_freshness"
    ]


def schedules(of: Iterable[Job]) -> list[dg.ScheduleDefinition]:
    """The schedule of each of these jobs, switched on."""
    return [
        dg.ScheduleDefinition(
            job=job,
            cron_schedule=CRON[job.name],
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )
        for job in of
    ]
