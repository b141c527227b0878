"""The units of docs/deploy, started as they stand there: PostgreSQL, code, webserver, daemon."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from orchestration import environment
from tests.deploy import documented
from tests.postgres_server import Server, programs, server

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "docs" / "deploy" / "systemd"
SELECTOR = {
    "repositoryLocationName": "customer_360",
    "repositoryName": "__repository__",
    "scheduleName": "every_minute",
}
SWITCH_ON = """
mutation on($selector: ScheduleSelector!) {
  startSchedule(scheduleSelector: $selector) {
    __typename ... on ScheduleStateResult { scheduleState { status } }
  }
}
"""
LAUNCH = """
mutation launch($selector: JobOrPipelineSelector!) {
  launchRun(executionParams: {selector: $selector, mode: "default"}) { __typename }
}
"""
JOB = {
    "repositoryLocationName": "customer_360",
    "repositoryName": "__repository__",
    "pipelineName": "tiny",
}
RUNS = "{ runsOrError { ... on Runs { results { runId status jobName tags { key value } } } } }"


class Machine:
    """What the units run on: a storage, a DAGSTER_HOME, free ports instead of the usual ones."""

    def __init__(self, home: Path, storage: Server, processes: ExitStack) -> None:
        self.home, self.storage, self.processes = home, storage, processes
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        self.ports = {usual: _free_port() for usual in ("3000", "3001", "4000")}
        workspace = (ROOT / "docs/deploy/workspace.yaml").read_text()
        (home / "workspace.yaml").write_text(workspace.replace("4000", self.ports["4000"]))
        self.variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith("C360_")},
            "DAGSTER_HOME": str(home),
            "PYTHONPATH": str(ROOT),
            "C360_DAGSTER_POSTGRES": storage.dsn().replace("postgresql:", "postgresql+psycopg2:"),
            "C360_CODE_HOST": "127.0.0.1",
        }

    def start(self, unit: str) -> None:
        """Run what the unit's ExecStart says, with this interpreter's programs."""
        lines = (UNITS / f"{unit}.service").read_text().splitlines()
        command = next(line for line in lines if line.startswith("ExecStart=")).split("=", 1)[1]
        program, *arguments = shlex.split(command)
        swapped = {
            **self.ports,
            "orchestration.definitions": "tests.deploy.tiny_location",
            "docs/deploy/workspace.yaml": str(self.home / "workspace.yaml"),
        }
        module = {
            "dagster": "dagster",
            "dagster-daemon": "dagster._daemon",
            "dagster-webserver": "dagster_webserver",
        }[Path(program).name]
        log = self.processes.enter_context((self.home / f"{unit}.log").open("a"))
        process = subprocess.Popen(
            [sys.executable, "-m", module, *(swapped.get(one, one) for one in arguments)],
            cwd=self.home,
            env=self.variables,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self.started[unit] = process
        self.processes.callback(_end, process)

    def kill(self, unit: str) -> None:
        """As when its container or its control group goes: all at once, with whatever it runs."""
        _end(self.started.pop(unit))

    def is_alive(self) -> bool:
        return all(process.poll() is None for process in self.started.values())

    def ask(self, path: str, query: str, port: str = "3000", **variables: Any) -> Any:
        """What the GraphQL endpoint of a webserver answers."""
        answer = requests.post(
            f"http://127.0.0.1:{self.ports[port]}{path}/graphql",
            json={"query": query, "variables": variables},
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json()["data"]

    def runs(self) -> list[dict[str, Any]]:
        """Newest first, tags as a dictionary."""
        found = self.ask("/dagster-admin", RUNS)["runsOrError"]["results"]
        return [{**one, "tags": {t["key"]: t["value"] for t in one["tags"]}} for one in found]

    def logs(self) -> str:
        return "\n".join(log.read_text()[-1500:] for log in self.home.glob("*.log"))


def _free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _until(what: Callable[[], Any], machine: Machine, seconds: float = 120) -> Any:
    """The first answer that holds."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        try:
            if answer := what():
                return answer
        except requests.RequestException:
            pass
        assert machine.is_alive(), machine.logs()
        time.sleep(0.3)
    raise AssertionError(machine.logs())


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with server() as storage, ExitStack() as processes:
        machine = Machine(tmp_path, storage, processes)
        # As `python -m orchestration.prepare` writes it.
        monkeypatch.setenv("C360_DAGSTER_POSTGRES", machine.variables["C360_DAGSTER_POSTGRES"])
        (tmp_path / "dagster.yaml").write_text(environment.instance_settings())
        yield machine


def test_a_tick_starts_a_run_and_a_run_that_died_with_the_code_is_ended_and_made_good(
    machine: Machine,
) -> None:
    machine.start("c360-code")
    machine.start("c360-webserver")
    machine.start("c360-webserver-readonly")

    def is_on() -> bool:
        # No such schedule, until the webserver has heard from the code.
        answer = machine.ask("/dagster-admin", SWITCH_ON, selector=SELECTOR)["startSchedule"]
        return answer.get("scheduleState") == {"status": "RUNNING"}

    _until(is_on, machine)
    # As if that had been two minutes ago, so that nobody need wait for the next one.
    machine.storage.ask(
        machine.storage.dsn(),
        "update instigators set instigator_body = regexp_replace(instigator_body,"
        """ '"start_timestamp": ([0-9]+)', '"start_timestamp": ' || %s)""",
        int(time.time()) - 120,
    )
    machine.start("c360-daemon")
    _until((machine.home / "begun").exists, machine)
    first = machine.runs()[-1]
    assert (first["status"], first["jobName"]) == ("STARTED", "tiny")
    assert first["tags"]["dagster/schedule_name"] == "every_minute"

    machine.kill("c360-code")
    machine.start("c360-code")

    def again() -> list[dict[str, Any]]:
        return [
            run
            for run in machine.runs()
            if run["status"] == "SUCCESS" and run["tags"].get("dagster/retry_number") == "1"
        ]

    second = _until(again, machine)[0]
    assert second["tags"]["dagster/parent_run_id"] == first["runId"]
    assert {r["runId"]: r["status"] for r in machine.runs()}[first["runId"]] == "FAILURE"
    # The other webserver shows the same runs, and starts, switches and reports nothing.
    assert machine.ask("/dagster", RUNS, port="3001")["runsOrError"]["results"]
    refused = machine.ask("/dagster", LAUNCH, port="3001", selector=JOB)
    assert refused["launchRun"]["__typename"] == "UnauthorizedError"
    refused = machine.ask("/dagster", SWITCH_ON, port="3001", selector=SELECTOR)
    assert refused["startSchedule"]["__typename"] == "UnauthorizedError"
    for port, path, is_refused in (("3001", "/dagster", True), ("3000", "/dagster-admin", False)):
        asset = f"http://127.0.0.1:{machine.ports[port]}{path}/report_asset_materialization/marts"
        assert (requests.post(asset, timeout=30).status_code == 401) == is_refused
    kept = machine.storage.ask(machine.storage.dsn(), "select count(*) from event_logs")
    assert kept[0][0] > 0
    assert not list(machine.home.rglob("*.db")), "storage in files"
    if (programs() / "pg_dump").exists():
        assert restored(machine, "select count(*) from event_logs where event is not null") > 0


def restored(machine: Machine, question: str) -> int:
    """What a second database answers after the guide's own commands have filled it."""
    storage = machine.storage
    storage.ask(storage.dsn(), "create database another")
    for beginning, database in (("pg_dump", "postgres"), ("pg_restore", "another")):
        line = documented.command(beginning).replace("/var/backups/c360", str(machine.home))
        subprocess.run(
            ["bash", "-ec", line],
            env={
                "PATH": f"{programs()}:{os.environ['PATH']}",
                "PLAIN_DSN": storage.dsn(database),
            },
            check=True,
        )
    return int(storage.ask(storage.dsn("another"), question)[0][0])
