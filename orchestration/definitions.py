"""What Dagster loads: graph, checks, jobs, schedules, sensor. No network and no database."""

from __future__ import annotations

import dagster as dg

from ingestion import settings
from orchestration import policies
from orchestration.assets.ages import mart_ages
from orchestration.assets.audits import (
    audit_record,
    audit_step,
    last_publication,
    mart_contracts,
    raw_contracts,
)
from orchestration.assets.backtest import backtest_report
from orchestration.assets.health_days import rescored_days
from orchestration.assets.month_close import month_close
from orchestration.assets.publication import publication_step, sources_complete
from orchestration.assets.sources import pull_step
from orchestration.assets.transform import dbt_resource, transform
from orchestration.schedules import (
    BACKFILL,
    MONTHLY,
    ONLY_IN,
    QUARTERLY,
    backfills,
    jobs,
    schedules,
)
from orchestration.sensors import tell_people
from orchestration.storage import write_quickly

# Every process that runs a step loads this module.
write_quickly()

# Two sources and a build fit two cores; waiting for a vendor costs none.
STEPS_AT_ONCE = 4

EXECUTOR = dg.multiprocess_executor.configured(
    {
        "max_concurrent": STEPS_AT_ONCE,
        # One warmed-up process that steps fork from: about 2 s a step instead of 9 to 20.
        "start_method": {"forkserver": {"preload_modules": ["orchestration.definitions"]}},
    }
)

RAW, MARTS, JOBS = raw_contracts(), mart_contracts(), jobs()

defs = dg.Definitions(
    assets=[
        *[pull_step(source) for source in settings.enabled_sources()],
        transform.map_asset_specs(policies.apply),
        publication_step(),
        month_close({ONLY_IN: MONTHLY}),
        backtest_report({ONLY_IN: QUARTERLY}),
        rescored_days({ONLY_IN: BACKFILL}),
        audit_record("raw", RAW),
        audit_record("marts", MARTS),
    ],
    asset_checks=[
        audit_step("raw", RAW),
        audit_step("marts", MARTS, compared_with=last_publication),
        mart_ages(),
        sources_complete,
    ],
    jobs=[*JOBS, *backfills()],
    schedules=schedules(JOBS),
    sensors=[tell_people],
    resources={"dbt": dbt_resource()},
    executor=EXECUTOR,
)


def daily_job() -> dg.JobDefinition:
    """The daily job by itself, for whoever runs it without a workspace."""
    return defs.resolve_job_def("daily_graph")
