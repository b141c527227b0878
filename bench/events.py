"""Product events from the vendor to the raw table, against DuckDB's own `read_json` of the same
bytes, source by source.

Each source is pulled into a fresh raw file and the same lines, packed, are read with DuckDB, in
turn. The vendor is not measured: exports come from a server that answers from disk, log files lie
in a folder.
"""

from __future__ import annotations

import gzip
import io
import shutil
import time
import urllib.request
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import duckdb
import s3fs

from bench.measure import Measured, command, line, stopwatch
from bench.replay import replay
from sandbox import Sandbox

ROUNDS = 3
WINDOW = timedelta(days=60)
PULL = "import sys; from ingestion.pipeline import pull; print(pull(sys.argv[1]).rows)"

Settings = dict[str, str]


@dataclass(frozen=True)
class Case:
    """One event source: what its lines are made of, how to get them as packed files into a folder,
    and the settings with which it is pulled from a vendor that costs nothing."""

    source: str
    texts: Sequence[str]
    objects: Sequence[str]
    collect: Callable[[Settings, Sandbox, Path], None]
    base_urls: Sequence[str] = ()
    other: Mapping[str, str] = field(default_factory=dict)


def main(sandbox: Sandbox, home: Path) -> None:
    """Measure every event source of the sandbox."""
    for case in CASES:
        if f"SOURCES__{case.source.upper()}__START_DATE" in sandbox.environment():
            place = home / case.source
            (place / "lines").mkdir(parents=True)
            _measure(case, sandbox, place)
            shutil.rmtree(place)


def _measure(case: Case, sandbox: Sandbox, home: Path) -> None:
    """The first pull is not counted: it fills the server that answers all others from disk."""
    case.collect(sandbox.environment(), sandbox, home)
    with _settings(case, sandbox, home) as settings:
        _pull(case, settings, home, 0)
        ratios, pulls, memory, rows = [], [], [], 0
        for round_ in range(1, ROUNDS + 1):
            with stopwatch() as by_duckdb:
                rows = _read_json(case, home / "lines", home / f"read_json_{round_}.duckdb")
            pulled = _pull(case, settings, home, round_)
            idle = command(["-c", "import ingestion.pipeline"], settings, log=home / "import.log")
            pulls.append(pulled.seconds - idle.seconds)
            ratios.append(by_duckdb.seconds / pulls[-1])
            memory.append(pulled.peak_mb)
    line(
        f"{case.source}: events to raw, of read_json",
        median(ratios),
        ">= 0.4",
        f"{rows:,} events, {rows / median(pulls):,.0f} a second, peak {max(memory):,.0f} MB",
    )


@contextmanager
def _settings(case: Case, sandbox: Sandbox, home: Path) -> Iterator[Settings]:
    settings = sandbox.environment()
    prefix = f"SOURCES__{case.source.upper()}__"
    with replay(sandbox.base_url, home / "answers") as again:
        for key in case.base_urls:
            settings[prefix + key] = settings[prefix + key].replace(sandbox.base_url, again)
        for key, value in case.other.items():
            settings[prefix + key] = value.format(home=home)
        yield settings


def _pull(case: Case, settings: Settings, home: Path, round_: int) -> Measured:
    data = home / f"pull_{round_}"
    measured = command(
        ["-c", PULL, case.source],
        {**settings, "C360_DATA_DIR": str(data)},
        log=home / f"pull_{round_}.log",
    )
    shutil.rmtree(data)
    return measured


def _read_json(case: Case, folder: Path, database: Path) -> int:
    columns = ", ".join(
        [f"\"{name}\": 'VARCHAR'" for name in case.texts]
        + [f"\"{name}\": 'JSON'" for name in case.objects]
    )
    with duckdb.connect(database) as connection:
        connection.execute(
            "create table events as select * from read_json("
            f"'{folder}/*.gz', format='newline_delimited', columns={{{columns}}})"
        )
        rows: int = connection.sql("select count(*) from events").fetchall()[0][0]
    database.unlink()
    return rows


def _windows(settings: Settings, source: str, sandbox: Sandbox) -> Iterator[tuple[int, datetime]]:
    """Number and begin of each window of days, from the first day of a vendor until now."""
    begin = datetime.fromisoformat(settings[f"SOURCES__{source.upper()}__START_DATE"])
    begin, number = begin.replace(tzinfo=UTC), 0
    while begin <= sandbox.now:
        yield number, begin
        begin, number = begin + WINDOW, number + 1


def _asked(url: str, user: str, password: str) -> urllib.request.Request:
    token = b64encode(f"{user}:{password}".encode()).decode()
    return urllib.request.Request(url, headers={"Authorization": f"Basic {token}"})


def _mixpanel(settings: Settings, sandbox: Sandbox, home: Path) -> None:
    for number, begin in _windows(settings, "mixpanel", sandbox):
        until = min(begin + WINDOW - timedelta(days=1), sandbox.now)
        asked = _asked(
            f"{settings['SOURCES__MIXPANEL__EXPORT_BASE_URL']}/api/2.0/export"
            f"?from_date={begin.date()}&to_date={until.date()}"
            f"&project_id={settings['SOURCES__MIXPANEL__PROJECT_ID']}",
            settings["SOURCES__MIXPANEL__SERVICE_ACCOUNT"],
            settings["SOURCES__MIXPANEL__SERVICE_SECRET"],
        )
        path = home / "lines" / f"{number}.gz"
        # Three exports a second are allowed.
        time.sleep(0.4)
        with urllib.request.urlopen(asked) as answer, gzip.open(path, "wb", 1) as file:
            shutil.copyfileobj(answer, file, 1 << 20)


def _amplitude(settings: Settings, sandbox: Sandbox, home: Path) -> None:
    for number, begin in _windows(settings, "amplitude", sandbox):
        until = min(begin + WINDOW - timedelta(hours=1), sandbox.now - timedelta(hours=3))
        asked = _asked(
            f"{settings['SOURCES__AMPLITUDE__BASE_URL']}/api/2/export"
            f"?start={begin:%Y%m%dT%H}&end={until:%Y%m%dT%H}",
            settings["SOURCES__AMPLITUDE__API_KEY"],
            settings["SOURCES__AMPLITUDE__SECRET_KEY"],
        )
        with urllib.request.urlopen(asked) as answer:
            archive = zipfile.ZipFile(io.BytesIO(answer.read()))
        with gzip.open(home / "lines" / f"{number}.gz", "wb", 1) as file:
            for name in archive.namelist():
                file.write(gzip.decompress(archive.read(name)))


def _segment(settings: Settings, sandbox: Sandbox, home: Path) -> None:
    root = settings["SOURCES__SEGMENT__BUCKET_URL"].removeprefix("s3://")
    bucket = s3fs.S3FileSystem(
        key=settings["SOURCES__SEGMENT__AWS_ACCESS_KEY_ID"],
        secret=settings["SOURCES__SEGMENT__AWS_SECRET_ACCESS_KEY"],
        endpoint_url=settings["SOURCES__SEGMENT__ENDPOINT_URL"],
    )
    names = bucket.find(root)
    for number in range(0, len(names), 120):
        # In larger files than the sandbox's: the ones of a real product have up to 100 MB.
        day = names[number].rsplit("/", 2)[1]
        path = home / "bucket" / "segment-logs" / "web" / day / "1.gz"
        path.parent.mkdir(parents=True)
        with gzip.open(path, "wb", 1) as file:
            for name in names[number : number + 120]:
                file.write(gzip.decompress(bucket.cat_file(name)))
        (home / "lines" / f"{number}.gz").hardlink_to(path)


CASES = (
    Case(
        "mixpanel", ("event",), ("properties",), _mixpanel,
        base_urls=("EXPORT_BASE_URL", "QUERY_BASE_URL"),
    ),
    Case(
        "amplitude",
        ("uuid", "event_type", "event_time", "client_event_time", "server_upload_time", "user_id",
         "device_id", "amplitude_id", "session_id", "$insert_id", "platform", "library", "country"),
        ("event_properties", "user_properties", "groups"),
        _amplitude,
        base_urls=("BASE_URL",),
    ),
    Case(
        "segment",
        ("messageId", "type", "event", "name", "userId", "anonymousId", "previousId", "groupId",
         "timestamp", "originalTimestamp", "sentAt", "receivedAt", "projectId"),
        ("properties", "traits", "context"),
        _segment,
        other={"BUCKET_URL": "{home}/bucket"},
    ),
)  # fmt: skip
