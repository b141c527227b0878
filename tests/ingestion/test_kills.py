"""A pull that is killed anywhere, and the next one, leave what one undisturbed pull leaves."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import pytest

from ingestion import pipeline
from sandbox import Sandbox
from tests.ingestion.killed import POINTS, pull_and_die
from tests.ingestion.support import contents, query

# The first pull of events appends files, which is where a copy too many would show; later pulls
# merge. One source whose tables all merge stands for the other.
FIRST_PULLS = [("mixpanel", point) for point in POINTS]
LATER_PULLS = [
    ("stripe", "after the second job committed, unmarked"),
    ("mixpanel", "after a job committed, unmarked"),
]


# Children of a server that has imported everything but has touched no database.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.ingestion.killed"])


def killed_pull(source: str, point: str) -> None:
    child = PROCESSES.Process(target=pull_and_die, args=(source, point, dict(os.environ)))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL


def changed_world(box: Sandbox) -> None:
    box.put("stripe", "customers", {"id": "cus_new", "object": "customer", "name": "New"})
    event = {"event": "api_call", "properties": {"time": int(box.now.timestamp()) - 90000}}
    box.put("mixpanel", "events", [event, event])


@pytest.mark.parametrize(("source", "point"), FIRST_PULLS)
def test_a_killed_first_pull_is_made_whole(
    source: str, point: str, box: Sandbox, pulled_once: Path
) -> None:
    killed_pull(source, point)
    pipeline.pull(source)
    found = contents(source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("C360_DATA_DIR", str(pulled_once))
        assert found == contents(source)
    assert query(source, "select count(*) - count(distinct load_id) from _dlt_loads") == [(0,)] or (
        point == "load recorded"
    )


@pytest.mark.parametrize(("source", "point"), LATER_PULLS)
def test_a_killed_later_pull_is_made_whole(
    source: str, point: str, later: Sandbox, data_dir: Path, tmp_path: Path
) -> None:
    changed_world(later)
    shutil.copytree(data_dir, tmp_path / "undisturbed")
    killed_pull(source, point)
    pipeline.pull(source)
    found = contents(source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("C360_DATA_DIR", str(tmp_path / "undisturbed"))
        pipeline.pull(source)
        assert found == contents(source)


@pytest.mark.parametrize("source", ["mixpanel", "stripe"])
def test_a_pull_killed_while_loading_on_a_machine_that_is_lost_is_pulled_again(
    source: str, box: Sandbox, data_dir: Path, pulled_once: Path
) -> None:
    killed_pull(source, "after a job committed, unmarked")
    shutil.rmtree(data_dir / "dlt")
    pipeline.pull(source)
    found = contents(source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("C360_DATA_DIR", str(pulled_once))
        assert found == contents(source)


def test_a_pull_killed_again_and_again_is_made_whole(box: Sandbox, pulled_once: Path) -> None:
    for point in ("after extracting", "after a job committed, unmarked", "load recorded"):
        killed_pull("mixpanel", point)
    result = pipeline.pull("mixpanel")
    found = contents("mixpanel")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("C360_DATA_DIR", str(pulled_once))
        assert found == contents("mixpanel")
    assert result.source == "mixpanel"
