"""A code location whose one job ends at once; what is tested is everything around it."""

import dagster as dg


@dg.op
def say_so(context: dg.OpExecutionContext) -> None:
    context.log.info("started by the clock")


@dg.job
def tiny() -> None:
    say_so()


# A whole run in the process that the daemon has the code server start: no process per step.
defs = dg.Definitions(
    jobs=[tiny],
    schedules=[dg.ScheduleDefinition(name="every_minute", job=tiny, cron_schedule="* * * * *")],
    executor=dg.in_process_executor,
)
