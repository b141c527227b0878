"""For a process of its own: pulls a source and dies, as by kill -9, at the point it is told."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import dlt
from dlt.destinations.impl.duckdb.duck import DuckDbClient, DuckDbCopyJob
from dlt.extract.extract import Extract
from dlt.normalize.normalize import Normalize

from ingestion import http, pipeline
from tests.ingestion.support import unpaced


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str) -> None:
    setattr(owner, name, die)


def after(owner: Any, name: str, times: int = 1) -> None:
    real: Callable[..., Any] = getattr(owner, name)
    left = [times]

    def call(*args: Any, **kwargs: Any) -> Any:
        result = real(*args, **kwargs)
        left[0] -= 1
        if left[0] <= 0:
            die()
        return result

    setattr(owner, name, call)


def inside_a_job() -> None:
    """Dies in a transaction that has copied rows and is not committed."""
    real = DuckDbCopyJob.run

    def run(self: DuckDbCopyJob) -> None:
        client = self._job_client.sql_client
        client.execute_sql("begin transaction")
        real(self)
        die()

    DuckDbCopyJob.run = run  # type: ignore[method-assign]


POINTS: dict[str, Callable[[], None]] = {
    "while extracting": lambda: after(Extract, "_compute_metrics"),
    "after extracting": lambda: after(dlt.Pipeline, "extract"),
    "while normalizing": lambda: before(Normalize, "spool_schema_files"),
    "inside the transaction of a job": inside_a_job,
    "after a job committed, unmarked": lambda: after(DuckDbCopyJob, "run"),
    "after the second job committed, unmarked": lambda: after(DuckDbCopyJob, "run", 2),
    "all jobs done, load not recorded": lambda: before(DuckDbClient, "complete_load"),
    "load recorded": lambda: after(DuckDbClient, "complete_load"),
}


def pull_and_die(source: str, point: str, variables: dict[str, str]) -> None:
    """Pulls `source` with this environment and does not come back."""
    os.environ.update(variables)
    http.Pace.wait = unpaced  # type: ignore[method-assign]
    POINTS[point]()
    pipeline.pull(source)
