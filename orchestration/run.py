"""`make run`: the daily job once, in the foreground, with progress and a summary.

It is the job that the schedule starts, on the same instance, so the Dagster UI shows this run too.
Returns 0 when every step passed, 1 when one failed (what could be published was published).
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from pathlib import Path

import dagster as dg
from dagster._core.execution.api import execute_run_iterator

from orchestration import environment

FOREGROUND = {"c360/foreground": "true"}
UNFINISHED = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def main() -> int:
    """Run the whole graph and report; see the module's docstring for the exit code."""
    started = time.monotonic()
    environment.prepare()
    log = environment.data_dir() / "logs" / "run.log"
    with terminal_to_ourselves(log) as say, only_one_foreground_run(say):
        warm_up_step_processes()
        from orchestration import summary
        from orchestration.definitions import daily_job

        with dg.DagsterInstance.get() as instance:
            heal(instance, say)
            job = dg.reconstructable(daily_job)
            run = instance.create_run_for_job(
                job_def=job.get_definition(),
                job_code_origin=job.get_python_origin(),
                tags=FOREGROUND,
            )
            progress = summary.Progress(say)
            for event in execute_run_iterator(job, run, instance):
                progress.show(event)
            say(summary.summary(progress, run.run_id))
            say(f"\n{time.monotonic() - started:.0f} s in all. Every detail: {log}")
            ended = instance.get_run_by_id(run.run_id)
            return 0 if ended and ended.is_success else 1


def warm_up_step_processes() -> None:
    """Start the process that steps fork from now, so that it loads while this one does."""
    forkserver.set_forkserver_preload(["orchestration.definitions"])
    forkserver.ensure_running()


@contextmanager
def terminal_to_ourselves(log: Path) -> Iterator[Callable[[str], None]]:
    """Send what every library and step process prints to `log`; yields what still prints.

    Done with file descriptors, because step processes inherit those and nothing else.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as terminal, log.open("w") as file:
        before = [os.dup(fd) for fd in (1, 2)]
        for fd in (1, 2):
            os.dup2(file.fileno(), fd)
        try:
            yield lambda text: print(text, file=terminal, flush=True)
        finally:
            for fd, original in zip((1, 2), before, strict=True):
                os.dup2(original, fd)


@contextmanager
def only_one_foreground_run(say: Callable[[str], None]) -> Iterator[None]:
    """Wait for another `make run` on this data folder; the kernel frees the lock of a dead one."""
    with (environment.data_dir() / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another run is under way on this data folder; waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def heal(instance: dg.DagsterInstance, say: Callable[[str], None]) -> None:
    """End foreground runs that were killed, and free pool slots that nobody will ever give back.

    Called under the lock of `only_one_foreground_run`: a run that still counts as started is dead.
    """
    for run in instance.get_runs(dg.RunsFilter(tags=FOREGROUND, statuses=list(UNFINISHED))):
        say(f"Run {run.run_id[:8]} was killed before it ended; starting over.")
        instance.report_run_failed(run, "Killed before it ended.")
    events = instance.event_log_storage
    for pool in events.get_concurrency_keys():
        holding = events.get_concurrency_info(pool)
        for run_id in holding.active_run_ids | holding.pending_run_ids:
            holder = instance.get_run_by_id(run_id)
            if holder is None or holder.is_finished:
                events.free_concurrency_slots_for_run(run_id)


if __name__ == "__main__":
    sys.exit(main())
