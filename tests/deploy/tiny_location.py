"""A code location with one small job; what is tested is everything around it."""

import os
import time
from pathlib import Path

import dagster as dg


@dg.op
def never_ends_at_first() -> None:
    """Says that it has begun, and goes on until it is killed; ends at once ever after."""
    begun = Path(os.environ["DAGSTER_HOME"]) / "begun"
    if not begun.exists():
        begun.touch()
        time.sleep(3600)


@dg.job
def tiny() -> None:
    never_ends_at_first()


# A whole run in the process that the daemon has the code server start: no process per step.
defs = dg.Definitions(
    jobs=[tiny],
    schedules=[dg.ScheduleDefinition(name="every_minute", job=tiny, cron_schedule="* * * * *")],
    executor=dg.in_process_executor,
)
