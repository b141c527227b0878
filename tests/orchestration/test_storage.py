"""Dagster's event log, written through files that stay open."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy.engine import Engine

from orchestration import storage

CHECKED = dg.AssetKey("checked")

READ_BY_ANOTHER = """
import dagster as dg, sys
with dg.DagsterInstance.local_temp(sys.argv[1]) as instance:
    logs = instance.all_logs(sys.argv[2], of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    made = instance.get_latest_materialization_event(dg.AssetKey("checked"))
    print(len(logs), made.run_id == sys.argv[2])
"""


@dg.multi_asset(
    specs=[dg.AssetSpec(CHECKED)],
    check_specs=[dg.AssetCheckSpec(f"check_{n}", asset=CHECKED) for n in range(20)],
)
def checked():
    yield dg.MaterializeResult(CHECKED)
    for n in range(20):
        yield dg.AssetCheckResult(check_name=f"check_{n}", asset_key=CHECKED, passed=n != 7)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    storage.write_quickly()
    return tmp_path


def test_the_method_that_is_replaced_is_the_one_that_dagster_calls(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    engine = storage._engine

    def counted(address: str) -> Engine:
        opened.append(address)
        return engine(address)

    monkeypatch.setattr(storage, "_engine", counted)
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        assert isinstance(instance.event_log_storage, SqliteEventLogStorage)
        dg.materialize([checked], instance=instance)
    assert len(opened) > 40, "an event went through another connection"


def test_another_process_reads_at_once_what_was_written(home: Path) -> None:
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        run = dg.materialize([checked], instance=instance)
        read = subprocess.run(
            [sys.executable, "-c", READ_BY_ANOTHER, str(home), run.run_id],
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert read.stdout.split() == ["20", "True"], read.stderr[-2000:]


def test_only_a_few_files_stay_open_however_many_runs_there_are(home: Path) -> None:
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        runs = [dg.materialize([checked], instance=instance) for _ in range(6)]
        assert len(storage._open) <= 4
        assert all(
            len(instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION))
            == 20
            for run in runs
        )
