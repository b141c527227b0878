"""Readers in their own processes while publications follow one another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from publish.publication import publish
from tests.publish.built_warehouse import AS_OF

HERE = Path(__file__).parent
READERS = ["database"] * 4 + ["parquet"]


def reader(target: Path, kind: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(HERE / "reading_loop.py"), str(target), kind],
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_during_twenty_publications_no_reader_sees_an_error_or_two_builds_at_once(
    build: Callable[..., Path], target: Path
) -> None:
    publish(build(0), target, run_id="0", as_of=AS_OF)
    readers = [reader(target, kind) for kind in READERS]
    try:
        for process in readers:
            assert process.stdout
            assert process.stdout.readline() == "reading\n"
        for n in range(1, 21):
            publish(build(n), target, run_id=str(n), as_of=AS_OF)
        reports = [json.loads(process.communicate("stop")[0]) for process in readers]
    finally:
        for process in readers:
            process.kill()
    for report in reports:
        assert report["errors"] == []
        assert report["torn"] == []
        # It did read while publications came, not only before the first or after the last.
        assert len(set(report["seen"]) - {0, 20}) > 2
