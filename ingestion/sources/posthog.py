"""PostHog product analytics: events and persons, by batch exports whose files are downloaded.

An export covers at most a week of ingestion time, so what a device sends late is in the week in
which it came. Events have ids of their own, and what is asked for twice is stored once. Persons
have one row per distinct id: the newest tells which person it belongs to now.
"""

import shutil
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dlt.common.configuration import resolve_configuration
from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from duckdb import DuckDBPyConnection as Connection
from requests import PreparedRequest, Response
from requests.auth import AuthBase
from requests.exceptions import ChunkedEncodingError, ConnectionError
from urllib3.exceptions import HTTPError as StreamError

from ingestion import settings
from ingestion.columnar import CHUNK_BYTES, CutStream, workbench
from ingestion.errors import PullError
from ingestion.http import Limit, Pace, Vendor, once_more_after
from ingestion.keyed import KeyedFiles, undeclared
from ingestion.pull import Pull
from ingestion.sources.posthog_tables import (
    EVENT_FIELDS,
    EVENTS,
    IN_THE_FUTURE,
    PERSON_FIELDS,
    PERSONS,
    typed_events,
    typed_persons,
)
from ingestion.tables import Table

SOURCE = "posthog"
TABLES = (EVENTS, PERSONS)
EXPORTS = "/api/environments/{project}/file_download_batch_exports"
LONGEST_WINDOW = timedelta(days=7)
OVERLAP = timedelta(hours=1)
FIRST_PULL_DAYS = 731
# PostHog allows 480 a minute, to be shared with everything else that asks this project.
CALLS_PER_MINUTE = "450"
# Each export is a job of its own at the vendor; so many run while one is being read.
EXPORTS_AT_ONCE = 3
FILE = {"format": "Parquet", "compression": "zstd", "max_size_mb": 200}
SHORTEST_POLL, LONGEST_POLL, LONGEST_RUN = 1.0, 15.0, 3600.0
RUNNING = frozenset(("Starting", "Running", "ContinuedAsNew"))
MAGIC = b"PAR1"


def resources(pull: Pull) -> list[DltResource]:
    """The dlt resources of PostHog, one per table."""
    exports = _Exports(pull)
    events = pull.resource(EVENTS, lambda: exports.files(EVENTS), in_thread=False)
    if not pull.stored.count(EVENTS.name):
        # Nothing to replace: the files go straight into the table. Should a kill interrupt that,
        # the next pull removes what is there.
        events.apply_hints(write_disposition="append")
    persons = pull.resource(PERSONS, lambda: exports.files(PERSONS), in_thread=False)
    return [persons, events]


@dataclass(frozen=True)
class _Window:
    """From `start` to before `end`, by the time at which the vendor took a row in."""

    model: str
    start: datetime
    end: datetime


class _Nobody(AuthBase):
    """Links to files carry their own signature; the store refuses one that comes with a key."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return request


class _Exports:
    def __init__(self, pull: Pull) -> None:
        self._pull = pull
        self._path = EXPORTS.format(project=settings.credential(SOURCE, "project_id"))
        base_url = settings.option(SOURCE, "base_url", "https://us.posthog.com")
        token: Any = TSecretStrValue(settings.credential(SOURCE, "personal_api_key"))
        pace = Pace(float(settings.option(SOURCE, "calls_per_minute", CALLS_PER_MINUTE)) / 60)
        self._client = _client(base_url, BearerTokenAuth(token), {"/api": pace})
        self._files = _client(base_url, _Nobody(), {})
        self._scale = resolve_configuration(RuntimeConfiguration()).request_backoff_factor

    def files(self, table: Table) -> Iterator[Any]:
        """Parquet files for dlt to import, made while the next exports are on their way."""
        folder = settings.data_dir() / "exports" / SOURCE / table.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        windows = self._windows(table)
        first = windows[:EXPORTS_AT_ONCE]
        try:
            with ThreadPoolExecutor(EXPORTS_AT_ONCE) as ahead, workbench(folder) as connection:
                rows = KeyedFiles(self._pull, table, connection, folder)
                waiting = [ahead.submit(self._export, one, folder) for one in first]
                for number, window in enumerate(windows):
                    parts = waiting.pop(0).result()
                    if number + EXPORTS_AT_ONCE < len(windows):
                        coming = windows[number + EXPORTS_AT_ONCE]
                        waiting.append(ahead.submit(self._export, coming, folder))
                    if table is EVENTS:
                        self._guard(window, parts, connection)
                    if parts:
                        yield from self._import(rows, parts, window, connection)
                    for part in parts:
                        part.unlink()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _windows(self, table: Table) -> list[_Window]:
        """What has to be asked for, the newest first: of an event that was taken in twice the
        newer copy counts, and the first that is met stays."""
        end, first, found = self._pull.now, self._first(table), []
        while first < end:
            start = max(first, end - LONGEST_WINDOW)
            found.append(_Window(table.name, start, end))
            end = start
        return found

    def _first(self, table: Table) -> datetime:
        through = self._pull.stored.pulled_through()
        if through is not None and self._pull.stored.count(table.name):
            return min(through, self._pull.now) - OVERLAP
        start = settings.option(SOURCE, "start_date", "")
        if start:
            moment = datetime.fromisoformat(start)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return self._pull.now - timedelta(days=FIRST_PULL_DAYS)

    def _export(self, window: _Window, folder: Path) -> list[Path]:
        """Has a window exported and downloads its files, in their order."""
        asked: dict[str, Any] = {
            "model": window.model,
            "file": FILE,
            "data_interval_start": _stamp(window.start),
            "data_interval_end": _stamp(window.end),
        }
        excluded = settings.options(SOURCE, "exclude_events")
        if excluded and window.model == EVENTS.name:
            asked["exclude"] = list(excluded)
        failed = ""
        for _ in range(resolve_configuration(RuntimeConfiguration()).request_max_attempts):
            run = self._client.post(self._path, json=asked).json()["id"]
            done = self._finished(f"{self._path}/{run}")
            if done["status"] == "Completed":
                names = done.get("files") or []
                return [
                    self._download(f"{self._path}/{run}/download/{number}", folder)
                    for number in range(len(names))
                ]
            failed = str(done["status"])
        raise PullError(
            SOURCE,
            "bad_answer",
            f"the export of {window.model} from {_stamp(window.start)} to {_stamp(window.end)} "
            f"keeps ending as {failed}. Pull again later.",
        )

    def _finished(self, path: str) -> Any:
        """The state of an export once it runs no more."""
        waited, wait = 0.0, SHORTEST_POLL
        while True:
            state = self._client.get(path).json()
            if state["status"] not in RUNNING:
                return state
            if waited > LONGEST_RUN:
                return {"status": "still running"}
            time.sleep(wait * self._scale)
            waited, wait = waited + wait, min(wait * 2, LONGEST_POLL)

    def _download(self, path: str, folder: Path) -> Path:
        target = folder / f"{uuid.uuid4().hex[:16]}.export"
        try:
            for attempt in once_more_after(CutStream):
                with attempt:
                    # A link lives for minutes only, so that each attempt needs its own.
                    with self._client.get(path, stream=True, allow_redirects=False) as link:
                        where = link.headers.get("Location", "")
                    if not where:
                        raise CutStream("there is no link to it")
                    self._save(where, target)
        except CutStream as problem:
            raise PullError(
                SOURCE, "bad_answer", f"a file of an export kept breaking off ({problem})."
            ) from None
        return target

    def _save(self, url: str, target: Path) -> None:
        try:
            with self._files.get(url, stream=True) as answer, target.open("wb") as file:
                for chunk in answer.raw.stream(CHUNK_BYTES, decode_content=False):
                    file.write(chunk)
        except (StreamError, ChunkedEncodingError, ConnectionError, OSError):
            raise CutStream("the connection broke") from None
        except PullError as refused:
            if refused.kind != "credentials":
                raise
            raise CutStream("the link to it was refused") from None
        with target.open("rb") as file:
            size = target.stat().st_size
            if size < 2 * len(MAGIC) or file.read(4) != MAGIC:
                raise CutStream("it is no Parquet file")
            file.seek(-len(MAGIC), 2)
            if file.read() != MAGIC:
                raise CutStream("it has no end")

    def _guard(self, window: _Window, parts: list[Path], connection: Connection) -> None:
        """Raises PullError when the vendor no longer has the events that it gave before."""
        through = self._pull.stored.pulled_through()
        if through is None:
            return
        taken = f">= '{_stamp(window.start)}' and inserted_at < '{_stamp(through)}'"
        before = self._pull.stored.count(EVENTS.name, f"inserted_at {taken}")
        if before:
            arrived = "try_cast(_inserted_at as varchar)::timestamptz as inserted_at"
            after = sum(
                _number(
                    connection,
                    f"select count(*) from (select {arrived} from read_parquet('{part}')) "
                    f"where inserted_at {taken}",
                )
                for part in parts
            )
            self._pull.guard(EVENTS.name, before, after)

    def _import(
        self, rows: KeyedFiles, parts: list[Path], window: _Window, connection: Connection
    ) -> Iterator[Any]:
        source = f"read_parquet({[str(part) for part in parts]}, union_by_name = true)"
        lines = _number(connection, f"select count(*) from {source}")
        described = connection.execute(f"describe from {source}").fetchall()
        found = {str(row[0]): str(row[1]) for row in described}
        if window.model == EVENTS.name:
            new = undeclared(self._pull, EVENTS, found, EVENT_FIELDS)
            typed = typed_events(source, found, new, self._pull.now)
            where = f"inserted_at >= '{_stamp(window.start)}'"
        else:
            new = undeclared(self._pull, PERSONS, found, PERSON_FIELDS)
            typed, where = typed_persons(source, found, new), "true"
        yield from rows.take(typed, lines, where, new, harmless=(IN_THE_FUTURE,))


def _number(connection: Connection, sql: str) -> int:
    found = connection.execute(sql).fetchone()
    return int(found[0]) if found else 0


def _client(base_url: str, auth: AuthBase, paces: dict[str, Pace]) -> RESTClient:
    limit = Limit(lambda *_: 30.0, give_up_after=3900)
    return Vendor(SOURCE, base_url, auth, limit, paces=paces, meaning=_meaning).client()


def _meaning(answer: Response) -> PullError | None:
    """A project that does not exist is told of by a 404, or by a 400 where it can be none."""
    if not (answer.status_code == 404 or "invalid_project" in answer.text):
        return None
    where = settings.where_to_put(SOURCE, "project_id")
    return PullError(SOURCE, "credentials", f"the project does not exist. {where}")


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
