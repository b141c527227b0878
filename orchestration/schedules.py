"""The jobs and when they run. Both queue behind each other by tag instead of overlapping."""

from __future__ import annotations

import dagster as dg

from ingestion import settings
from orchestration import policies
from orchestration.assets.audits import record_key
from orchestration.translators import raw_key

TAGS = {
    "c360/warehouse": "true",
    "dagster/max_runtime": str(policies.MAX_RUNTIME_SECONDS),
}

# Hour zero in UTC has the day before whole; five leaves room for vendors that post late.
DAILY_AT = "0 5 * * *"
HOURLY_AT = "20 * * * *"
HOURS_OF_A_DAY = 24

daily_graph = dg.define_asset_job(
    "daily_graph",
    selection=dg.AssetSelection.all(),
    tags=TAGS,
    description="Pull every source, build, audit and publish: the whole graph.",
)


def product_events() -> dg.UnresolvedAssetJobDefinition:
    """The hourly job: sources that must be fresher than a day, and what rests on them."""
    logs = [raw_key(source, "pulls") for source in settings.enabled_sources()]
    hourly = [key for key in logs if policies.policy_for(key).made_within.warn < HOURS_OF_A_DAY]
    pulled = dg.AssetSelection.assets(*hourly).required_multi_asset_neighbors()
    # Reported by the audits' steps; no step of its own makes them.
    records = dg.AssetSelection.assets(record_key("raw"), record_key("marts"))
    return dg.define_asset_job(
        "product_events",
        selection=pulled.downstream() - records,
        tags=TAGS,
        description="Pull product events and refresh what depends on them.",
    )


def schedules() -> list[dg.ScheduleDefinition]:
    """The daily graph, and product events in every other hour."""
    return [
        dg.ScheduleDefinition(
            job=daily_graph,
            cron_schedule=DAILY_AT,
            default_status=dg.DefaultScheduleStatus.RUNNING,
        ),
        dg.ScheduleDefinition(
            job=product_events(),
            cron_schedule=HOURLY_AT,
            default_status=dg.DefaultScheduleStatus.RUNNING,
        ),
    ]
