"""The command line: a child runs against the vendors; exit code and signals pass through."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pandas as pd
import pytest

from sandbox.state import Seed, remember, remembered

ROOT = Path(__file__).parents[2]
SMALL = ["--companies", "5", "--months", "2", "--now", "2026-11-18T15:30:00Z"]


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sandbox", *arguments]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_exec_gives_the_child_the_environment_and_returns_its_exit_code():
    script = (
        "import os, sys, urllib.request as u; e = os.environ;"
        "r = u.Request(e['SOURCES__STRIPE__BASE_URL'] + '/v1/products',"
        " headers={'Authorization': 'Bearer ' + e['SOURCES__STRIPE__API_KEY']});"
        "print(u.urlopen(r).status, e['C360_AS_OF']); sys.exit(7)"
    )
    done = _run("exec", *SMALL, "--", sys.executable, "-c", script)
    assert done.returncode == 7, done.stderr
    assert done.stdout.split() == ["200", "2026-11-18T15:30:00Z"]


def test_exec_keeps_the_childs_own_options():
    done = _run(
        "exec", *SMALL, "--", sys.executable, "-c", "import sys; print(sys.argv[1:])", "--seed", "1"
    )
    assert done.stdout.strip() == "['--seed', '1']"


def test_exec_of_a_missing_command_says_so():
    done = _run("exec", *SMALL, "--", "no-such-command-anywhere")
    assert done.returncode == 127
    assert "no-such-command-anywhere" in done.stderr
    assert _run("exec", *SMALL).returncode == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_exec_passes_signals_on_and_stops(number: signal.Signals):
    script = (
        "import signal, sys, time\n"
        "def leave(n, f): print('got', n, flush=True); sys.exit(40 + n)\n"
        "signal.signal(signal.SIGINT, leave); signal.signal(signal.SIGTERM, leave)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        _command("exec", *SMALL, "--", sys.executable, "-c", script),
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    parent.send_signal(number)
    assert parent.wait(30) == 40 + number
    assert parent.stdout.read() == f"got {int(number)}\n"


def test_a_taken_port_is_said_in_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = _run("exec", *SMALL, "--port", str(taken.getsockname()[1]), "--", "true")
    assert done.returncode == 2
    assert "Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_exec_of_a_killed_child_reports_the_signal():
    done = _run("exec", *SMALL, "--", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    assert done.returncode == 137


def test_serve_says_where_and_stops_on_a_signal():
    server = subprocess.Popen(
        _command("serve", *SMALL), cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert server.stdout is not None
    text = ""
    while not text.endswith("}\n}\n"):
        line = server.stdout.readline()
        assert line, text
        text += line
    told = json.loads(text)
    env = told["environment"]
    token = {"Authorization": f"Bearer {env['SOURCES__HUBSPOT__ACCESS_TOKEN']}"}
    request = urllib.request.Request(
        env["SOURCES__HUBSPOT__BASE_URL"] + "/crm/v3/owners", headers=token
    )
    assert urllib.request.urlopen(request, timeout=10).status == 200
    server.send_signal(signal.SIGTERM)
    assert server.wait(30) == 0


def test_truth_is_written_as_parquet(tmp_path: Path):
    done = _run("truth", *SMALL, "--out", str(tmp_path / "truth"))
    assert done.returncode == 0, done.stderr
    companies = pd.read_parquet(tmp_path / "truth" / "companies.parquet")
    assert len(companies) == 5
    names = {path.stem for path in (tmp_path / "truth").glob("*.parquet")}
    assert names == {"companies", "who_is_who", "users", "mrr_monthly", "churns", "active_users"}


def test_a_state_file_is_kept_and_a_broken_one_is_refused(tmp_path: Path):
    path = tmp_path / "deep" / "sandbox.json"
    seed = Seed(1, 2, 3, "2026-01-01")
    assert remembered(path) is None
    remember(path, seed)
    assert remembered(path) == seed
    path.write_text("{}")
    with pytest.raises(ValueError, match="not a sandbox state file"):
        remembered(path)
    done = _run("exec", *SMALL, "--state", str(path), "--", "true")
    assert done.returncode == 2
    assert "remove it to start anew" in done.stderr


def test_the_package_knows_nothing_of_the_product():
    script = (
        "import sys, sandbox, sandbox.__main__;"
        "print([m for m in ('ingestion', 'dagster', 'dbt', 'dlt', 'duckdb') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"
