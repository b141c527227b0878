"""`make run`: the daily job once, in the foreground, with progress and a summary.

It is the job that the schedule starts, on the same instance, so the Dagster UI shows this run too.
Returns 0 when every step passed, 1 when one failed (what could be published was published).
"""

from __future__ import annotations

import fcntl
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.execution.api import execute_run_iterator

from orchestration import environment

FOREGROUND = {"c360/foreground": "true"}


def main() -> int:
    """Run the whole graph and report; see the module's docstring for the exit code."""
    environment.prepare()
    # The terminal is for the summary; the UI has every event.
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    from orchestration import summary
    from orchestration.definitions import daily_job

    with only_one_foreground_run(), dg.DagsterInstance.get() as instance:
        heal(instance)
        job = dg.reconstructable(daily_job)
        run = instance.create_run_for_job(
            job_def=job.get_definition(),
            job_code_origin=job.get_python_origin(),
            run_config=QUIET_CONSOLE,
            tags=FOREGROUND,
        )
        progress = summary.Progress()
        for event in execute_run_iterator(job, run, instance):
            progress.show(event)
        print(summary.summary(progress, run.run_id))
        return 0 if instance.get_run_by_id(run.run_id).is_success else 1


QUIET_CONSOLE = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@contextmanager
def only_one_foreground_run() -> Iterator[None]:
    """Wait for another `make run` on this data folder; the kernel frees the lock of a dead one."""
    with (environment.data_dir() / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another run is under way on this data folder; waiting for it ...", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def heal(instance: dg.DagsterInstance) -> None:
    """End foreground runs that were killed, and free the pool slots they would hold for ever.

    Called under the lock of `only_one_foreground_run`: a run that still counts as started is dead.
    """
    unfinished = dg.RunsFilter(
        tags=FOREGROUND,
        statuses=[
            dg.DagsterRunStatus.NOT_STARTED,
            dg.DagsterRunStatus.STARTING,
            dg.DagsterRunStatus.STARTED,
            dg.DagsterRunStatus.CANCELING,
        ],
    )
    for run in instance.get_runs(unfinished):
        print(f"Run {run.run_id[:8]} was killed before it ended; starting over.", flush=True)
        instance.report_run_failed(run, "Killed before it ended.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


if __name__ == "__main__":
    started = time.monotonic()
    code = main()
    print(f"\n{time.monotonic() - started:.0f} s in all.", flush=True)
    sys.exit(code)
