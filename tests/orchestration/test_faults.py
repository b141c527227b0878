"""What the graph does when a file is held, a check cannot run, or a run has died."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import dagster as dg
import duckdb
import pytest

from orchestration import environment, run
from orchestration.assets import audits

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import duckdb, sys, time
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reads")
print("held", flush=True)
time.sleep(float(sys.argv[3]))
"""


def transform() -> ModuleType:
    """The module, which is made from the manifest that the fixtures of this folder prepare."""
    from orchestration.assets import transform

    return transform


def holder(path: Path, how: str, seconds: float) -> subprocess.Popen[str]:
    """Another process that has the file open; returns when it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), how, str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    transform()  # loaded from the prepared data folder, before this test moves to its own
    monkeypatch.setenv("C360_DATA_DIR", str(tmp_path))
    duckdb.connect(tmp_path / "warehouse.duckdb").close()
    return tmp_path / "warehouse.duckdb"


@pytest.mark.parametrize("how", ["writes", "reads"])
def test_the_build_waits_for_whoever_holds_the_warehouse(warehouse: Path, how: str) -> None:
    other = holder(warehouse, how, 2)
    started = time.monotonic()
    transform().wait_for_writer(30)
    assert time.monotonic() - started > 0.5
    other.wait()


def test_a_warehouse_that_is_never_let_go_is_a_clear_error(warehouse: Path) -> None:
    other = holder(warehouse, "writes", 60)
    with pytest.raises(duckdb.IOException, match=r"(?i)lock"):
        transform().wait_for_writer(1)
    other.kill()
    other.wait()


def test_without_a_parsed_project_the_definitions_say_what_to_do(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", "import orchestration.definitions"],
        cwd=ROOT,
        env={**os.environ, "C360_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode != 0
    assert "make dev" in result.stderr


def test_a_contract_that_cannot_be_verified_fails_in_every_check(tmp_path: Path) -> None:
    path = ROOT / "checks" / "raw" / "stripe" / "customers.yml"
    customers = dg.AssetKey(["raw_stripe", "customers"])
    contract = audits.Contract(path, customers, lambda: tmp_path / "absent.duckdb")
    step = audits.audit_step("raw", [contract])
    result = dg.materialize(
        [dg.AssetsDefinition(specs=[dg.AssetSpec(customers)]), step],
        selection=dg.AssetSelection.checks(step),
        raise_on_error=False,
    )
    evaluations = result.get_asset_check_evaluations()
    assert {evaluation.check_name for evaluation in evaluations} == {
        spec.name for spec in contract.specs()
    }
    assert not any(evaluation.passed for evaluation in evaluations)
    (record,) = [
        event.step_materialization_data.materialization
        for event in result.all_events
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION
    ]
    assert record.asset_key == audits.record_key("raw")
    assert record.metadata["failed"].value == len(evaluations)
    assert record.metadata["passed"].value == 0
    assert all(e.severity == dg.AssetCheckSeverity.ERROR for e in evaluations)


@dg.op(pool="warehouse")
def builds() -> None: ...


@dg.job
def nightly() -> None:
    builds()


@pytest.mark.parametrize("ended", [False, True], ids=["killed", "ended without giving back"])
def test_a_dead_run_is_ended_and_gives_back_its_place_in_the_pool(ended: bool) -> None:
    with dg.DagsterInstance.local_temp(
        overrides={"concurrency": {"pools": {"default_limit": 1}}}
    ) as instance:
        dead = instance.create_run_for_job(
            nightly, tags=run.FOREGROUND, status=dg.DagsterRunStatus.STARTED
        )
        events = instance.event_log_storage
        events.initialize_concurrency_limit_to_default("warehouse")
        assert events.claim_concurrency_slot("warehouse", dead.run_id, "builds").is_claimed
        if ended:
            instance.report_run_failed(dead)

        run.heal(instance, lambda text: None)

        record = instance.get_run_by_id(dead.run_id)
        assert record is not None
        assert record.status == dg.DagsterRunStatus.FAILURE
        assert events.get_concurrency_info("warehouse").active_slot_count == 0


def test_a_run_of_the_daemon_that_is_alive_is_left_alone() -> None:
    with dg.DagsterInstance.local_temp(
        overrides={"concurrency": {"pools": {"default_limit": 1}}}
    ) as instance:
        alive = instance.create_run_for_job(nightly, status=dg.DagsterRunStatus.STARTED)
        events = instance.event_log_storage
        events.initialize_concurrency_limit_to_default("warehouse")
        events.claim_concurrency_slot("warehouse", alive.run_id, "builds")

        run.heal(instance, lambda text: None)

        assert events.get_concurrency_info("warehouse").active_slot_count == 1


def test_a_person_can_let_a_large_change_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("C360_ACCEPT_CHANGE", raising=False)
    assert audits.last_publication()["MIN_PCT_OF_PUBLISHED"] == 80
    monkeypatch.setenv("C360_ACCEPT_CHANGE", "1")
    assert audits.last_publication()["MIN_PCT_OF_PUBLISHED"] == 0


def test_the_build_never_runs_the_unit_tests_of_models() -> None:
    assert transform().build_args()[:3] == ["build", "--exclude-resource-type", "unit_test"]
    assert environment.TRANSFORM.is_dir()
