"""Starts runs as Dagster does by default, and can tell whether one is still alive.

A run is a process of the code server that started it. When one is killed the server says so; when
the server itself goes, nobody does, and the run would count as started, and keep the warehouse from
everybody, until its longest runtime is over. So run monitoring asks the server that stands there
now whether it knows the run.
"""

from __future__ import annotations

from dagster import DagsterRun, deserialize_value
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult


class WatchedRunLauncher(DefaultRunLauncher):
    """The default launcher, for instances whose run monitoring is on."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """NOT_FOUND when the server at the run's address does not know it. RUNNING also while no
        server answers (it may be starting: a run that is ended now could not be started anew), and
        when none has started it, as with `make run`.
        """
        client = self._get_grpc_client_for_termination(run.run_id)
        if client is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        try:
            answer = deserialize_value(
                client.can_cancel_execution(
                    CanCancelExecutionRequest(run_id=run.run_id), timeout=10
                ),
                CanCancelExecutionResult,
            )
        except DagsterUserCodeUnreachableError:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        if answer.can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "its code server is another one now")
