"""Which job does what and when; runs that overlap wait, dead ones are ended and taken up again."""

from __future__ import annotations

import logging
import time
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import duckdb
import pytest
import yaml
from dagster._core.definitions.dependency import NodeHandle
from dagster._core.events import RunFailureReason
from dagster._core.execution.retries import auto_reexecution_should_retry_run
from dagster._daemon.monitoring import run_monitoring
from dagster._utils.schedules import cron_string_iterator
from dagster._utils.tags import TagConcurrencyLimitsCounter

from ingestion import pipeline, settings
from ingestion.pipeline import PullResult
from orchestration import policies, schedules
from orchestration.assets import month_close, sources
from publish.closing import closed

NOW = datetime(2026, 3, 1, tzinfo=UTC)
INSTANCE = yaml.safe_load((Path(__file__).resolve().parents[2] / "dagster.yaml").read_text())


@dg.op
def waits() -> None: ...


@dg.job
def quiet() -> None:
    waits()


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    from orchestration.definitions import defs

    return defs


def steps(defs: dg.Definitions, job: str) -> set[str]:
    return {node.name for node in defs.resolve_job_def(job).nodes}


def made(defs: dg.Definitions, job: str) -> set[dg.AssetKey]:
    return set(defs.resolve_job_def(job).asset_layer.executable_asset_keys)


def test_every_schedule_starts_its_job_when_it_is_evaluated(defs: dg.Definitions) -> None:
    assert {schedule.job_name for schedule in defs.schedules} == set(schedules.CRON)
    for schedule in defs.schedules:
        assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
        tick = schedule.evaluate_tick(
            dg.build_schedule_context(scheduled_execution_time=NOW, repository_def=None)
        )
        assert tick.run_requests, schedule.name
        assert len(tick.run_requests) == 1


def test_the_sensor_of_the_project_finds_nothing_wrong_on_an_empty_instance(
    defs: dg.Definitions,
) -> None:
    (sensor,) = defs.sensors
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    with dg.DagsterInstance.local_temp() as instance:
        context = dg.build_sensor_context(instance, repository_def=defs.get_repository_def())
        assert sensor.evaluate_tick(context).skip_message == "Nothing is wrong"


@pytest.mark.parametrize(
    ("cron", "due"),
    [
        # By hand from a calendar: 1 March 2026 is a Sunday, 3 March and 5 April stand as they are.
        ("weekly_reconciliation", ["2026-03-01 01:40", "2026-03-08 01:40"]),
        ("monthly_close", ["2026-03-03 07:00", "2026-04-03 07:00"]),
        ("quarterly_backtest", ["2026-04-05 08:00", "2026-07-05 08:00"]),
    ],
)
def test_the_seldom_jobs_are_due_on_the_days_that_people_expect(cron: str, due: list[str]) -> None:
    ticks = cron_string_iterator(NOW.timestamp(), schedules.CRON[cron], "UTC")
    assert [f"{next(ticks):%Y-%m-%d %H:%M}" for _ in due] == due


def test_reconciliation_is_the_whole_graph_read_again(defs: dg.Definitions) -> None:
    assert made(defs, "weekly_reconciliation") == made(defs, "daily_graph")
    tags = defs.resolve_job_def("weekly_reconciliation").tags
    assert int(tags[sources.REREAD_DAYS]) == policies.REREAD_DAYS
    assert sources.REREAD_DAYS not in defs.resolve_job_def("daily_graph").tags


def test_the_month_is_closed_by_its_own_job_alone(defs: dg.Definitions) -> None:
    assert month_close.MONTH_CLOSE in made(defs, "monthly_close")
    assert made(defs, "monthly_close") - made(defs, "daily_graph") == {month_close.MONTH_CLOSE}
    assert month_close.MONTH_CLOSE not in made(defs, "product_events")


def test_what_only_the_backtest_makes_is_made_in_no_other_job(defs: dg.Definitions) -> None:
    only = {
        spec.key
        for spec in defs.resolve_all_asset_specs()
        if spec.tags.get(schedules.ONLY_IN) == schedules.QUARTERLY
    }
    assert made(defs, "quarterly_backtest") == only
    assert not only & (made(defs, "monthly_close") | made(defs, "product_events"))


def test_the_age_of_every_source_and_every_mart_is_judged_with_no_pull_and_no_build(
    defs: dg.Definitions,
) -> None:
    job = defs.resolve_job_def("data_ages")
    assert steps(defs, "data_ages") == {"audit_raw", "mart_ages"}
    judged = {
        key.asset_key
        for step in steps(defs, "data_ages")
        for key in job.asset_layer.get_selected_entity_keys_for_node(NodeHandle(step, None))
    }
    marts = {key for key in made(defs, "daily_graph") if key.path[0] == "marts"}
    assert {key.path[0] for key in judged if key not in marts} == {
        f"raw_{source}" for source in settings.enabled_sources()
    }
    assert marts <= judged


def test_runs_that_touch_the_warehouse_queue_behind_each_other(defs: dg.Definitions) -> None:
    limits = INSTANCE["concurrency"]["runs"]["tag_concurrency_limits"]
    warehouse = [job for job in schedules.CRON if job != "data_ages"]
    waiting = {
        job: dg.DagsterRun(job_name=job, tags=defs.resolve_job_def(job).tags)
        for job in schedules.CRON
    }
    queue = TagConcurrencyLimitsCounter(limits, [waiting["daily_graph"]])
    assert {job for job, run in waiting.items() if queue.is_blocked(run)} == set(warehouse)
    assert not any(
        TagConcurrencyLimitsCounter(limits, []).is_blocked(run) for run in waiting.values()
    ), "the first of them starts"


def test_a_run_that_died_is_ended_and_taken_up_again_and_one_that_failed_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configured = {key: INSTANCE[key] for key in ("run_monitoring", "run_retries")}
    with dg.DagsterInstance.local_temp(overrides=configured) as instance:

        def after(seconds: float) -> dg.DagsterRun:
            daemon = SimpleNamespace(instance=instance, create_request_context=lambda: None)
            monkeypatch.setattr(
                run_monitoring, "get_current_timestamp", lambda: time.time() + seconds
            )
            log = logging.getLogger("daemon")
            list(run_monitoring.execute_run_monitoring_iteration(daemon, log))
            found = instance.get_run_by_id(dead.run_id)
            assert found is not None
            return found

        dead = instance.create_run_for_job(quiet, tags=schedules.TAGS)
        instance.report_dagster_event(
            dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, quiet.name), dead.run_id
        )
        assert after(policies.MAX_RUNTIME_SECONDS - 60).status == dg.DagsterRunStatus.STARTED
        ended = after(policies.MAX_RUNTIME_SECONDS + 60)
        assert ended.status == dg.DagsterRunStatus.FAILURE
        assert auto_reexecution_should_retry_run(instance, ended, RunFailureReason.UNKNOWN)
        assert not auto_reexecution_should_retry_run(
            instance, ended, RunFailureReason.STEP_FAILURE
        ), "a failed audit fails again"


def pulls_and_a_build() -> dg.JobDefinition:
    pulled = sources.pull_step("hubspot")

    @dg.asset(deps=list(pulled.keys))
    def build() -> None:
        CALLS.append("build")
        if len(CALLS) == 2:
            raise dg.Failure("the process was killed")

    @dg.asset(deps=[build])
    def publish() -> None:
        CALLS.append("publish")

    return dg.Definitions(
        assets=[pulled, build, publish],
        jobs=[dg.define_asset_job("all_of_it")],
        executor=dg.in_process_executor,
    ).resolve_job_def("all_of_it")


CALLS: list[str] = []


def test_a_retry_repeats_only_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    CALLS.clear()

    def pull(source: str) -> PullResult:
        CALLS.append(source)
        return PullResult(source, {}, {}, [], NOW, NOW, False)

    monkeypatch.setattr(pipeline, "pull", pull)
    monkeypatch.setattr(pipeline, "table_names", lambda source: ["companies", "pulls"])
    monkeypatch.setattr(sources, "_row_counts", lambda source, tables: dict.fromkeys(tables, 0))
    job = dg.reconstructable(pulls_and_a_build)
    with dg.DagsterInstance.local_temp() as instance:
        first = dg.execute_job(job, instance, raise_on_error=False)
        assert not first.success
        again = dg.ReexecutionOptions.from_failure(first.run_id, instance)
        second = dg.execute_job(job, instance, reexecution_options=again)
    assert second.success
    assert CALLS == ["hubspot", "build", "build", "publish"]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Mixpanel's setting was in each pull."""
    found: list[str] = []

    def pull(source: str) -> PullResult:
        found.append(settings.option(source, "lookback_days", "unset"))
        return PullResult(source, {}, {}, [], NOW, NOW, False)

    monkeypatch.delenv("SOURCES__MIXPANEL__LOOKBACK_DAYS", raising=False)
    monkeypatch.delenv("C360_REREAD_DAYS", raising=False)
    monkeypatch.setattr(pipeline, "pull", pull)
    monkeypatch.setattr(pipeline, "table_names", lambda source: ["events", "pulls"])
    monkeypatch.setattr(sources, "_row_counts", lambda source, tables: dict.fromkeys(tables, 0))
    return found


def test_a_run_reads_as_many_days_again_as_its_tag_or_a_person_says(
    seen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = settings.option("mixpanel", "lookback_days", "unset")
    step = sources.pull_step("mixpanel")
    dg.materialize([step])
    dg.materialize([step], tags={sources.REREAD_DAYS: "35"})
    monkeypatch.setenv("C360_REREAD_DAYS", "120")
    dg.materialize([step])
    assert seen == [usual, "35", "120"]
    assert settings.option("mixpanel", "lookback_days", "unset") == usual


def test_a_month_is_closed_once_with_the_publication_of_that_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def publish(number: int) -> None:
        file = tmp_path / f"c360-{number:04}.duckdb"
        with duckdb.connect(str(file)) as connection:
            connection.execute("create schema marts")
            connection.execute(
                "create table marts.publication as select timestamp '2026-03-03 07:30' as"
                f" published_at, '{number}' as run_id, timestamp '2026-03-03 07:00' as as_of,"
                " null as source, null as kind, null as newest_record_at, null as pulled_at,"
                " null as data_age_hours, null as pull_age_hours"
            )
        link = tmp_path / "c360.duckdb"
        link.unlink(missing_ok=True)
        link.symlink_to(file.name)

    monkeypatch.setenv("C360_PUBLISH_DIR", str(tmp_path))
    asset = month_close.month_close({})
    published = dg.AssetsDefinition(specs=[dg.AssetSpec(month_close.PUBLICATION)])
    already = []
    for number in (7, 8):
        publish(number)
        result = dg.materialize([asset, published], selection=[asset])
        (event,) = result.asset_materializations_for_node("published__month_close")
        already.append(event.metadata["was_closed_already"].value)
    kept = closed(tmp_path, date(2026, 2, 1))
    assert kept.name == "c360_2026_02.duckdb"
    assert already == [False, True]
    with duckdb.connect(str(kept), read_only=True) as connection:
        assert connection.sql("select run_id from marts.publication").fetchall() == [("7",)]


def test_the_last_month_of_january_lies_in_the_year_before() -> None:
    assert month_close.last_month(date(2026, 1, 3)) == date(2025, 12, 1)
