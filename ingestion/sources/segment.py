"""Segment: raw calls from the log files that its Amazon S3 destination leaves in a bucket.

No API gives events back. A file stands below `segment-logs/<source>/<day of receipt>/`, is never
written twice under one name as a rule, and a day's folder keeps receiving files after its day. So
what was read is kept as key and etag of each file, and the last folders are looked through again.
Replays bring old calls, with their old message ids, in new files: a call is one row, whichever
files it came in. Files that vanish from the bucket take no rows with them.
"""

import json
import shutil
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from dlt.extract import DltResource

from ingestion import settings
from ingestion.columnar import CutStream, workbench
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
    path_of,
)
from ingestion.object_store import ObjectStore, StoredFile
from ingestion.pull import Pull
from ingestion.reading import Reject
from ingestion.tables import Column, Table, of_kind, texts
from ingestion.values import MILLISECONDS_FROM

SOURCE = "segment"
LOGS = "segment-logs"
# Packed bytes and files that are unpacked and loaded at once; this bounds what lies on the disk.
BYTES_PER_BATCH = 16 << 20
FILES_PER_BATCH = 1000
FIRST_PULL_DAYS = 731
# The vendor corrects the clocks of clients, so that hardly any call comes out ahead of its receipt.
AHEAD = timedelta(days=1)
IN_THE_FUTURE = "timestamp is in the future"

CALLS = Table(
    "calls",
    (
        *texts("message_id type event name user_id anonymous_id previous_id group_id email"),
        *of_kind("timestamp", "occurred_at original_timestamp sent_at received_at"),
        *texts("source_id"),
        Column("properties", long=True),
        Column("traits", long=True),
    ),
    key=("message_id",),
    updated="received_at",
    in_files=True,
)
FILES = Table(
    "files",
    (
        *texts("key etag"),
        Column("size", "bigint"),
        Column("modified_at", "timestamp"),
        Column("lines", "bigint"),
        Column("read_at", "timestamp"),
    ),
    key=("key",),
)
TABLES = (CALLS, FILES)

_MEMBERS = (
    *("messageId", "type", "event", "name", "userId", "anonymousId", "previousId", "groupId"),
    *("timestamp", "originalTimestamp", "sentAt", "receivedAt", "projectId"),
)
_OBJECTS = ("properties", "traits", "context")


def resources(pull: Pull) -> list[DltResource]:
    """The dlt resources of Segment, one per table."""
    logs = _Logs(pull)
    calls = pull.resource(CALLS, logs.parquets, in_thread=False)
    if not pull.stored.count(CALLS.name):
        # Nothing to merge with: the files go straight into the table.
        calls.apply_hints(write_disposition="append")
    return [pull.resource(FILES, logs.read_files), calls]


@dataclass(frozen=True)
class _Batch:
    """The lines of some log files in one file: how many in all, and of each file that was whole."""

    path: Path
    lines: int
    whole: list[tuple[StoredFile, int]]
    broken: list[StoredFile]


class _Logs:
    """The log files that are new, batch after batch."""

    def __init__(self, pull: Pull) -> None:
        self._pull = pull
        self._store = ObjectStore.configured(SOURCE)
        self._folder = settings.data_dir() / "exports" / SOURCE
        self._read: list[dict[str, Any]] = []
        self._email = settings.option(SOURCE, "email_trait", "email")

    def parquets(self) -> Iterator[Any]:
        """Parquet files for dlt to import, made while the next batch is on its way."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        try:
            with ThreadPoolExecutor(1) as ahead, workbench(self._folder) as connection:
                rows = KeyedFiles(self._pull, CALLS, connection, self._folder)
                batches = _batches(self._new_files())
                coming = ahead.submit(self._next, batches)
                while batch := coming.result():
                    coming = ahead.submit(self._next, batches)
                    yield from self._import(rows, batch)
                    batch.path.unlink()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def read_files(self) -> Iterator[Any]:
        """The files that were read, as rows; those that are broken are read again next time."""
        self._pull.wait_for(CALLS.name)
        yield from self._pull.changes(FILES, self._read)

    def _new_files(self) -> Iterator[StoredFile]:
        known = dict(self._pull.stored.rows(
            f"select key, etag from {self._pull.stored.relation(FILES.name)}"
        ))  # fmt: skip
        first = self._first_day()
        for source in self._store.folders(LOGS):
            for name in self._store.folders(f"{LOGS}/{source}"):
                day = _day(name)
                if day is None or day >= first:
                    for file in self._store.files(f"{LOGS}/{source}/{name}"):
                        if known.get(file.key) != file.etag:
                            yield file

    def _first_day(self) -> date:
        through = self._pull.stored.pulled_through()
        if through is None or not self._pull.stored.count(FILES.name):
            start = settings.option(SOURCE, "start_date", "")
            if start:
                return date.fromisoformat(start)
            return self._pull.now.date() - timedelta(days=FIRST_PULL_DAYS)
        lookback = timedelta(days=int(settings.option(SOURCE, "lookback_days", "3")))
        return through.astimezone(UTC).date() - lookback

    def _next(self, batches: Iterator[list[StoredFile]]) -> _Batch | None:
        files = next(batches, None)
        if files is None:
            return None
        name = uuid.uuid4().hex[:16]
        path, folder = self._folder / f"{name}.ndjson", self._folder / name
        folder.mkdir()
        by_key = {file.key: file for file in files}
        batch = _Batch(path, 0, [], [])
        with path.open("wb") as lines:
            for key, packed in self._store.fetch_all(list(by_key), folder):
                try:
                    with packed.open("rb") as source:
                        batch.whole.append((by_key[key], append_lines(source, lines)))
                except CutStream:
                    batch.broken.append(by_key[key])
                packed.unlink()
        folder.rmdir()
        return _Batch(path, sum(count for _, count in batch.whole), batch.whole, batch.broken)

    def _import(self, rows: KeyedFiles, batch: _Batch) -> Iterator[Any]:
        self._pull.reject([
            Reject(FILES.name, file.key, "the file is no whole gzip", json.dumps(
                {"key": file.key, "etag": file.etag, "size": file.size}))
            for file in batch.broken
        ])  # fmt: skip
        if batch.lines:
            calls = Lines(batch.path, _MEMBERS, _OBJECTS)
            typed, with_line = (self._typed(sql) for sql in (calls.parsed(), calls.with_line()))
            # A replay may be of any age, so that any stored row can be the same one.
            yield from rows.take(typed, batch.lines, harmless=(IN_THE_FUTURE,), with_line=with_line)
        self._read += [
            {
                "key": file.key,
                "etag": file.etag,
                "size": file.size,
                "modified_at": file.modified_at.isoformat(),
                "lines": count,
                "read_at": self._pull.now.isoformat(),
            }
            for file, count in batch.whole
        ]

    def _typed(self, lines: str) -> str:
        bad = "".join(
            f" when {column} is null then '{column} is {why}missing' "
            f"when not {is_text(column)} then '{column} is not a text'"
            for column, why in (("type", ""), ("message_id", "a key and is "))
        )
        bad += (
            " when type = 'track' and event is null then 'event is missing'"
            " when received_at is null then case when raw_received_at is null"
            " then 'received_at is missing' else 'received_at is not a time' end"
            " when raw_timestamp is not null and occurred_at is null"
            " then 'timestamp is not a time'"
            f" when occurred_at > {literal(self._pull.now + AHEAD)} then '{IN_THE_FUTURE}'"
        )
        email = (
            f"coalesce({member('traits', self._email)}, "
            f"json_extract_string(context, {path_of('traits', self._email)}))"
        )
        return f"""
            select * exclude (raw_received_at, raw_timestamp) replace (
                    case when raw_timestamp is null
                        then received_at - coalesce(sent_at - original_timestamp, interval 0 second)
                        else occurred_at end as occurred_at
                ), case
                when {is_plain("message_id")} and {is_plain("type")}
                    and (event is not null or type <> 'track') and received_at is not null
                    and occurred_at <= {literal(self._pull.now + AHEAD)} then null
                when message_id is null and type is null and raw_received_at is null
                    then '{NOT_AN_OBJECT}' {bad}
            end as reason
            from (
                select nullif(trim("messageId"), '') as message_id, nullif(type, '') as type,
                    nullif(event, '') as event, name, "userId" as user_id,
                    "anonymousId" as anonymous_id, "previousId" as previous_id,
                    coalesce("groupId", {member("context", "groupId")}) as group_id,
                    {email} as email, {moment('"timestamp"')} as occurred_at,
                    {moment('"originalTimestamp"')} as original_timestamp,
                    {moment('"sentAt"')} as sent_at, {moment('"receivedAt"')} as received_at,
                    "receivedAt" as raw_received_at, "timestamp" as raw_timestamp,
                    "projectId" as source_id, properties::varchar as properties,
                    traits::varchar as traits, line
                from ({lines})
            )"""


def _batches(files: Iterator[StoredFile]) -> Iterator[list[StoredFile]]:
    batch: list[StoredFile] = []
    size = 0
    for file in files:
        batch.append(file)
        size += file.size
        if len(batch) >= FILES_PER_BATCH or size >= BYTES_PER_BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _day(name: str) -> date | None:
    """The day of a folder, whose name is its begin as an epoch in milliseconds or seconds."""
    if not name.isdigit():
        return None
    number = int(name)
    seconds = number / 1000 if number >= MILLISECONDS_FROM else number
    try:
        return datetime.fromtimestamp(seconds, UTC).date()
    except (ValueError, OverflowError, OSError):
        return None
