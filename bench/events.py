"""Product events from HTTP to the raw table, against DuckDB's own `read_json` of the same bytes."""

from __future__ import annotations

import gzip
import shutil
import urllib.request
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from statistics import median

import duckdb

from bench.measure import Measured, command, line, stopwatch
from bench.replay import replay
from sandbox import Sandbox

ROUNDS = 3
PULL = "from ingestion.pipeline import pull; print(pull('mixpanel').rows)"


def main(sandbox: Sandbox, home: Path) -> None:
    """Pull the whole export into a fresh raw file and read the same bytes with DuckDB, in turn.

    The first pull is not counted: it fills the server that answers all others from disk.
    """
    settings = sandbox.environment()
    keys = ("SOURCES__MIXPANEL__EXPORT_BASE_URL", "SOURCES__MIXPANEL__QUERY_BASE_URL")
    body = _download(sandbox, home / "export.ndjson.gz")
    with replay(sandbox.base_url, home / "answers") as again:
        settings |= {key: settings[key].replace(sandbox.base_url, again) for key in keys}
        _pull(settings, home, 0)
        ratios, pulls, memory, rows = [], [], [], 0
        for round_ in range(1, ROUNDS + 1):
            with stopwatch() as by_duckdb:
                rows = _read_json(body, home / f"read_json_{round_}.duckdb")
            pulled = _pull(settings, home, round_)
            idle = command(["-c", "import ingestion.pipeline"], settings, log=home / "import.log")
            pulls.append(pulled.seconds - idle.seconds)
            ratios.append(by_duckdb.seconds / pulls[-1])
            memory.append(pulled.peak_mb)
    line(
        "events: HTTP to raw, of DuckDB's read_json",
        median(ratios),
        ">= 0.4",
        f"{rows:,} events, {rows / median(pulls):,.0f} a second, peak {max(memory):,.0f} MB",
    )


def _pull(settings: dict[str, str], home: Path, round_: int) -> Measured:
    data = home / f"pull_{round_}"
    measured = command(
        ["-c", PULL], {**settings, "C360_DATA_DIR": str(data)}, log=home / f"pull_{round_}.log"
    )
    shutil.rmtree(data)
    return measured


def _download(sandbox: Sandbox, path: Path) -> Path:
    settings = sandbox.environment()
    until = sandbox.now.date()
    url = (
        f"{settings['SOURCES__MIXPANEL__EXPORT_BASE_URL']}/api/2.0/export"
        f"?from_date={until - timedelta(days=731)}&to_date={until}"
        f"&project_id={settings['SOURCES__MIXPANEL__PROJECT_ID']}"
    )
    account = settings["SOURCES__MIXPANEL__SERVICE_ACCOUNT"]
    secret = settings["SOURCES__MIXPANEL__SERVICE_SECRET"]
    token = b64encode(f"{account}:{secret}".encode()).decode()
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {token}"})
    with urllib.request.urlopen(request) as answer, gzip.open(path, "wb", 1) as file:
        while chunk := answer.read(1 << 20):
            file.write(chunk)
    return path


def _read_json(body: Path, database: Path) -> int:
    with duckdb.connect(database) as connection:
        connection.execute(
            "create table events as select * from read_json("
            f"'{body}', format='newline_delimited',"
            " columns={event: 'VARCHAR', properties: 'JSON'})"
        )
        return connection.sql("select count(*) from events").fetchall()[0][0]
