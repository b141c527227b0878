"""A vendor that is down: red, explained, in nobody's way, and never fresher than it is."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
import pytest

from ingestion import pipeline
from ingestion.pipeline import PullError, PullResult
from orchestration import policies
from orchestration.assets import sources
from orchestration.assets.publication import PUBLICATION, sources_complete
from orchestration.translators import raw_key

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sources in the order in which they were asked; OUTCOMES says how each answers."""
    asked: list[str] = []

    def pull(source: str) -> PullResult:
        asked.append(source)
        outcome = OUTCOMES[source]
        if outcome:
            raise outcome
        return PullResult(source, {"companies": 3}, {}, [], NOW, NOW, False)

    monkeypatch.setattr(pipeline, "pull", pull)
    monkeypatch.setattr(pipeline, "ensure_tables", lambda source: None)
    monkeypatch.setattr(pipeline, "table_names", lambda source: ["companies", "pulls"])
    monkeypatch.setattr(sources, "_row_counts", lambda source, tables: dict.fromkeys(tables, 3))
    monkeypatch.setattr(policies, "PULL_RETRY_DELAY_SECONDS", 0)
    return asked


OUTCOMES: dict[str, Exception | None] = {}


def two_sources_and_a_publication() -> dg.JobDefinition:
    tables = ("companies", "pulls")

    raw = [raw_key(source, table) for source in OUTCOMES for table in tables]

    @dg.asset(key=PUBLICATION, deps=raw)
    def published() -> None: ...

    return dg.Definitions(
        assets=[*[sources.pull_step(source) for source in OUTCOMES], published],
        jobs=[dg.define_asset_job("all_of_it")],
        asset_checks=[sources_complete],
        executor=dg.in_process_executor,
    ).resolve_job_def("all_of_it")


def run(**outcomes: Exception | None) -> list[dg.DagsterEvent]:
    """Every event of a run in which each source answers as told."""
    OUTCOMES.clear()
    OUTCOMES.update(outcomes)
    with dg.DagsterInstance.local_temp() as instance:
        job = dg.reconstructable(two_sources_and_a_publication)
        return dg.execute_job(job, instance, raise_on_error=False).all_events


def materialized(events: list[dg.DagsterEvent]) -> set[str]:
    return {
        event.asset_key.to_user_string()
        for event in events
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION and event.asset_key
    }


def failed(events: list[dg.DagsterEvent]) -> set[str]:
    return {
        event.step_key or ""
        for event in events
        if event.event_type == dg.DagsterEventType.STEP_FAILURE
    }


DOWN = PullError("stripe", "unreachable", "stripe did not answer at its base URL.")
DENIED = PullError("stripe", "credentials", "stripe refused api_key; set SOURCES__STRIPE__API_KEY.")


@pytest.mark.usefixtures("calls")
def test_the_others_go_on_and_the_rest_is_built_and_the_run_fails_at_its_end() -> None:
    events = run(stripe=DENIED, hubspot=None)
    assert failed(events) == {"published__c360_sources_complete"}, "the run fails, at its end"
    hubspot = {f"raw_hubspot/{table}" for table in ("companies", "pulls", "_dlt_loads")}
    assert materialized(events) == hubspot | {"published/c360"}
    assert events[-1].event_type == dg.DagsterEventType.RUN_FAILURE


@pytest.mark.usefixtures("calls")
def test_a_failed_pull_makes_no_table_look_fresh() -> None:
    events = run(stripe=DOWN, hubspot=None)
    assert not {key for key in materialized(events) if key.startswith("raw_stripe")}


def test_a_vendor_that_is_down_is_asked_again_and_a_refused_key_is_not(calls: list[str]) -> None:
    run(stripe=DOWN, hubspot=None)
    assert calls.count("stripe") == 1 + policies.PULL_RETRIES
    calls.clear()
    run(stripe=DENIED, hubspot=None)
    assert calls.count("stripe") == 1


@pytest.mark.usefixtures("calls")
def test_the_reason_is_a_failed_check_on_the_source() -> None:
    checks = {
        event.asset_check_evaluation_data.asset_key.to_user_string(): (
            event.asset_check_evaluation_data
        )
        for event in run(stripe=DENIED, hubspot=None)
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
    }
    assert checks["raw_hubspot/pulls"].passed
    assert not checks["raw_stripe/pulls"].passed
    assert "SOURCES__STRIPE__API_KEY" in checks["raw_stripe/pulls"].metadata["reason"].value


@pytest.mark.usefixtures("calls")
def test_an_unforeseen_error_is_told_without_the_record_that_caused_it() -> None:
    leak = ValueError("cannot cast 'jane@customer.example' to a number")
    events = run(stripe=leak, hubspot=None)
    told = " ".join(str(event) for event in events)
    assert "ValueError" in told
    assert "jane@customer.example" not in told
