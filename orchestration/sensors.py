"""The sensor that watches runs, checks and ages, and tells people what begins and what heals."""

from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.storage.tags import WILL_RETRY_TAG

from ingestion import settings
from orchestration import incidents
from orchestration.assets.publication import PUBLICATION
from orchestration.translators import raw_key

EVERY_SECONDS = 60
# What the first look goes back to.
FIRST_LOOK = timedelta(days=2)
RUNS_AT_ONCE = 50

ENDED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]


@dg.sensor(
    minimum_interval_seconds=EVERY_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Tells the owner once when a run fails, a source is late, an audit fails, the match rate"
        " falls or the red share jumps, and once when that has healed: alerts.toml says where."
    ),
)
def tell_people(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Look at the runs that ended since the last look and at what is stale, and tell the news."""
    memory = incidents.Memory.load(context.cursor)
    if context.repository_def:
        checks = context.repository_def.asset_graph.asset_check_keys
        memory.keep_only(checks, context.repository_def.job_names)
    look_at_runs(context.instance, memory)
    now = incidents.present(memory, stale(context.instance))
    undelivered = incidents.tell(memory, now)
    context.update_cursor(memory.dump())
    for trouble in undelivered:
        context.log.error(f"Not delivered, will be tried again: {trouble}")
    told = f"{len(now)} incidents" if now else "Nothing is wrong"
    return dg.SkipReason("; ".join([told, *undelivered]))


def look_at_runs(instance: dg.DagsterInstance, memory: incidents.Memory) -> None:
    """Take in, oldest first, how the runs ended that have ended since the last look."""
    since = datetime.fromtimestamp(memory.through, UTC)
    since = since if memory.through else datetime.now(UTC) - FIRST_LOOK
    while records := instance.get_run_records(
        dg.RunsFilter(statuses=ENDED, updated_after=since),
        limit=RUNS_AT_ONCE,
        order_by="update_timestamp",
        ascending=True,
    ):
        for record in records:
            _take_in(instance, record.dagster_run, memory)
            since = record.update_timestamp.replace(tzinfo=UTC)
            memory.through = since.timestamp()


def _take_in(instance: dg.DagsterInstance, run: dg.DagsterRun, memory: incidents.Memory) -> None:
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        memory.evaluated(entry.get_dagster_event().asset_check_evaluation_data)
    # Somebody who materializes a few assets by hand looks at the screen already.
    by_hand = run.job_name.startswith("__")
    if run.status == dg.DagsterRunStatus.SUCCESS:
        memory.failed_jobs.pop(run.job_name, None)
    elif run.status == dg.DagsterRunStatus.FAILURE and not (by_hand or _will_be_retried(run)):
        memory.failed_jobs[run.job_name] = _why_it_failed(instance, run)


def _will_be_retried(run: dg.DagsterRun) -> bool:
    return run.tags.get(WILL_RETRY_TAG) == "true"


def _why_it_failed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    steps = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    events = [entry.get_dagster_event() for entry in steps]
    why = [f"{event.step_key}: {incidents.reason(event)}" for event in events]
    return [*(why or ["No step failed: its process ended."]), f"Run {run.run_id}."]


def stale(instance: dg.DagsterInstance) -> list[dg.AssetKey]:
    """Sources and publication that were not made within their window, as Dagster's own clock has
    found; also when no run has ended since."""
    keys = [*(raw_key(source, "pulls") for source in settings.enabled_sources()), PUBLICATION]
    found = instance.get_freshness_state_records(keys)
    return [
        key for key in keys if key in found and found[key].freshness_state == FreshnessState.FAIL
    ]
