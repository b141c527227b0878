"""Amplitude product analytics: raw events by the hour in which they were uploaded.

An hour can be exported two hours after it has ended, and devices send late, so the cursor is the
hour of upload and never the time of an event; the last day is exported again each time. An export
is a zip of gzipped JSON lines. One that is too large, or takes the vendor too long, is asked for in
smaller parts; one without data is answered by 404.
"""

import shutil
import uuid
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from dlt.extract import DltResource
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import HttpBasicAuth
from requests import Response
from requests.exceptions import ChunkedEncodingError, ConnectionError
from urllib3.exceptions import HTTPError as StreamError

from ingestion import settings
from ingestion.columnar import CHUNK_BYTES, CutStream, workbench
from ingestion.errors import PullError
from ingestion.http import Limit, Vendor, once_more_after
from ingestion.keyed import KeyedFiles
from ingestion.lines import (
    NOT_AN_OBJECT,
    Lines,
    append_lines,
    is_plain,
    is_text,
    literal,
    member,
    moment,
)
from ingestion.object_store import kind_of
from ingestion.pull import Pull
from ingestion.tables import Column, Table, of_kind, texts

SOURCE = "amplitude"
EXPORT = "/api/2/export"
HOUR = timedelta(hours=1)
# An hour that began so long ago can be exported.
LATENCY = timedelta(hours=3)
FIRST_RANGE = timedelta(days=7)
LONGEST_RANGE = timedelta(days=365)
# Fewer and larger files load faster, up to here; this bounds what lies on the disk meanwhile.
EVENTS_PER_RANGE = 500_000
FASTEST_GROWTH = 4
FIRST_PULL_DAYS = 731
IN_THE_FUTURE = "event_time is in the future"

EVENTS = Table(
    "events",
    (
        *texts("uuid event_type"),
        *of_kind("timestamp", "event_time client_event_time server_upload_time"),
        *texts("user_id device_id"),
        *of_kind("bigint", "amplitude_id session_id"),
        *texts("insert_id group_key email platform library country"),
        Column("event_properties", long=True),
        Column("user_properties", long=True),
        Column("groups", "json"),
    ),
    key=("uuid",),
    in_files=True,
)
TABLES = (EVENTS,)

_MEMBERS = (
    *("uuid", "event_type", "event_time", "client_event_time", "server_upload_time"),
    *("user_id", "device_id", "amplitude_id", "session_id", "$insert_id"),
    *("platform", "library", "country"),
)
_OBJECTS = ("event_properties", "user_properties", "groups")


def resources(pull: Pull) -> list[DltResource]:
    """The dlt resources of Amplitude, one per table."""
    events = pull.resource(EVENTS, lambda: _Events(pull).files(), in_thread=False)
    if not pull.stored.count(EVENTS.name):
        # Nothing to merge with: the files go straight into the table.
        events.apply_hints(write_disposition="append")
    return [events]


class _TooMuch(PullError):
    """An export that the vendor refuses for its size, or gives up on."""


@dataclass(frozen=True)
class _Hours:
    """Hours of upload from `first` on and before `until`."""

    first: datetime
    until: datetime

    def __str__(self) -> str:
        return f"{self.first:%Y-%m-%dT%H} to {self.until - HOUR:%Y-%m-%dT%H}"


class _Events:
    """The files of events that are new or have changed, one per range of hours."""

    def __init__(self, pull: Pull) -> None:
        self._pull = pull
        self._end = pull.now.replace(minute=0, second=0, microsecond=0) - LATENCY + HOUR
        self._longest = LONGEST_RANGE
        self._client = _client()
        self._folder = settings.data_dir() / "exports" / SOURCE
        group = settings.option(SOURCE, "group_type", "company")
        email = settings.option(SOURCE, "email_property", "email")
        self._group, self._email = member("groups", group), member("user_properties", email)

    def files(self) -> Iterator[Any]:
        """Parquet files for dlt to import, made while the next range is on its way."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        try:
            with ThreadPoolExecutor(1) as ahead, workbench(self._folder) as connection:
                rows = KeyedFiles(self._pull, EVENTS, connection, self._folder)
                hours = self._range(self._first_hour(), FIRST_RANGE)
                coming = ahead.submit(self._download, hours) if hours else None
                while hours and coming:
                    got = coming.result()
                    after = self._next(hours, got)
                    coming = ahead.submit(self._download, after) if after else None
                    if got:
                        yield from self._import(rows, hours, *got)
                        got[0].unlink()
                    hours = after
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _first_hour(self) -> datetime:
        through = self._pull.stored.pulled_through()
        if through is None or not self._pull.stored.count(EVENTS.name):
            start = settings.option(SOURCE, "start_date", "")
            day = date.fromisoformat(start) if start else (
                self._end.date() - timedelta(days=FIRST_PULL_DAYS))  # fmt: skip
            return datetime.combine(day, time(), UTC)
        lookback = timedelta(hours=int(settings.option(SOURCE, "lookback_hours", "24")))
        exported = through.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - LATENCY
        return exported + HOUR - lookback

    def _range(self, first: datetime, length: timedelta) -> _Hours | None:
        until = min(first + max(min(length, self._longest), HOUR), self._end)
        return _Hours(first, until) if first < until else None

    def _next(self, hours: _Hours, got: tuple[Path, int] | None) -> _Hours | None:
        """The hours behind `hours`, as many as will hold a good number of events; or half of them,
        when they were too much."""
        length = (hours.until - hours.first) // HOUR
        if got is None:
            self._longest = length // 2 * HOUR
            return self._range(hours.first, self._longest)
        growth = min(EVENTS_PER_RANGE / max(got[1], 1), FASTEST_GROWTH)
        return self._range(hours.until, int(length * growth) * HOUR)

    def _download(self, hours: _Hours) -> tuple[Path, int] | None:
        """The lines of an export, unpacked, and how many; None when it is too much at once."""
        path = self._folder / f"{uuid.uuid4().hex[:16]}.ndjson"
        single = hours.until - hours.first == HOUR
        try:
            for attempt in once_more_after(_TooMuch if single else CutStream):
                with attempt:
                    return path, self._save(hours, path)
        except _TooMuch as refused:
            if single:
                raise PullError(SOURCE, refused.kind, refused.message) from None
        return None

    def _save(self, hours: _Hours, path: Path) -> int:
        packed = path.with_suffix(".zip")
        asked = {
            "start": f"{hours.first:%Y%m%dT%H}",
            "end": f"{hours.until - HOUR:%Y%m%dT%H}",
        }
        try:
            for attempt in once_more_after(CutStream):
                with attempt, self._client.get(EXPORT, params=asked, stream=True) as answer:
                    if answer.status_code == 404:
                        path.touch()
                        return 0
                    _save_body(answer, packed)
                    return _unzip(packed, path)
        except CutStream as problem:
            raise PullError(
                SOURCE, "bad_answer", f"the export of {hours} kept breaking off ({problem})."
            ) from None
        raise AssertionError("one attempt at least")

    def _import(self, rows: KeyedFiles, hours: _Hours, path: Path, lines: int) -> Iterator[Any]:
        where = (
            f"server_upload_time >= {literal(hours.first)} "
            f"and server_upload_time < {literal(hours.until)}"
        )
        before = self._pull.stored.count(EVENTS.name, where)
        if before:
            self._pull.guard(EVENTS.name, before, lines)
        if lines:
            events = Lines(path, _MEMBERS, _OBJECTS)
            typed, with_line = (self._typed(sql) for sql in (events.parsed(), events.with_line()))
            yield from rows.take(
                typed, lines, where, harmless=(IN_THE_FUTURE,), with_line=with_line
            )

    def _typed(self, lines: str) -> str:
        bad = " ".join(
            f"when {column} is null then '{column} is missing' "
            f"when not {is_text(column)} then '{column} is not a text'"
            for column in ("event_type", "uuid")
        ).replace("'uuid is missing'", "'uuid is a key and is missing'")
        bad += "".join(
            f" when raw_{column} is null then '{column} is missing' "
            f"when {column} is null then '{column} is not a time'"
            for column in ("server_upload_time", "event_time")
        )
        return f"""
            select * exclude (raw_event_time, raw_server_upload_time), case
                when {is_plain("uuid")} and {is_plain("event_type")}
                    and server_upload_time is not null
                    and event_time <= {literal(self._pull.now)} then null
                when event_type is null and uuid is null and raw_event_time is null
                    and raw_server_upload_time is null then '{NOT_AN_OBJECT}' {bad}
                when event_time > {literal(self._pull.now)} then '{IN_THE_FUTURE}'
            end as reason
            from (
                select nullif(trim(uuid), '') as uuid, nullif(event_type, '') as event_type,
                    {moment("event_time")} as event_time,
                    {moment("client_event_time")} as client_event_time,
                    {moment("server_upload_time")} as server_upload_time,
                    event_time as raw_event_time, server_upload_time as raw_server_upload_time,
                    user_id, device_id, try_cast(amplitude_id as bigint) as amplitude_id,
                    try_cast(session_id as bigint) as session_id, "$insert_id" as insert_id,
                    {self._group} as group_key, {self._email} as email,
                    platform, library, country,
                    event_properties::varchar as event_properties,
                    user_properties::varchar as user_properties, groups::varchar as groups, line
                from ({lines})
            )"""


def _save_body(answer: Response, path: Path) -> None:
    try:
        with path.open("wb") as file:
            for chunk in answer.raw.stream(CHUNK_BYTES, decode_content=True):
                file.write(chunk)
    except (StreamError, ChunkedEncodingError, ConnectionError, OSError):
        raise CutStream("the connection broke") from None
    if kind_of(path) != "zip":
        raise CutStream("it is no zip")


def _unzip(packed: Path, path: Path) -> int:
    """Writes the lines of all files in a zip of gzips to `path`, and returns how many they are."""
    lines = 0
    try:
        with zipfile.ZipFile(packed) as archive, path.open("wb") as file:
            for name in archive.namelist():
                with archive.open(name) as inside:
                    lines += append_lines(inside, file)
    except zipfile.BadZipFile:
        raise CutStream("it is no whole zip") from None
    finally:
        packed.unlink()
    return lines


def _client() -> RESTClient:
    keys = (settings.credential(SOURCE, "api_key"), settings.credential(SOURCE, "secret_key"))
    return Vendor(
        SOURCE,
        settings.option(SOURCE, "base_url", "https://amplitude.com"),
        HttpBasicAuth(*keys),
        # Amplitude says 429 to exports side by side, and gives no Retry-After.
        Limit(lambda *_: 30.0, give_up_after=1800),
        headers={"Accept-Encoding": "identity"},
        meaning=_meaning,
    ).client()


def _meaning(response: Response) -> PullError | None:
    """What an error answer means where its status alone does not say it."""
    if response.status_code == 403:
        return PullError(
            SOURCE,
            "credentials",
            f"{EXPORT} answers 403: the keys are wrong, or belong to a project in the other region "
            f"(base_url). {settings.where_to_put(SOURCE)}",
        )
    if response.status_code == 400:
        return _TooMuch(
            SOURCE, "bad_answer", "one hour is more than the 4 GB that an export may have; "
            "let Amplitude export to S3 and pull that.",
        )  # fmt: skip
    if response.status_code == 504:
        return _TooMuch(SOURCE, "unreachable", f"{EXPORT} timed out (504) even for a single hour.")
    return None
