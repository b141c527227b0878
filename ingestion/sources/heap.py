"""Heap (Contentsquare): the dumps that Heap Connect leaves in an S3 bucket, as Avro files.

A dump holds, per table, either everything (a full dump, made when a definition changed: it replaces
the table, the past included) or what is new since the dump before. Of each table the newest full
dump counts and all dumps after it, in their order; tables that never had a full dump begin with the
first dump that there is. A dump whose manifest is not complete waits, and so do those after it.
"""

import json
import re
import shutil
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dlt
from dlt.extract import DltResource
from duckdb import DuckDBPyConnection as Connection

from ingestion import settings
from ingestion.avro import BrokenFile, to_parquet
from ingestion.columnar import workbench
from ingestion.errors import PullError
from ingestion.keyed import SQL_TYPES, KeyedFiles
from ingestion.object_store import ObjectStore, StoredFile
from ingestion.pull import Pull
from ingestion.sources.heap_tables import (
    DUMPS,
    ENTITIES,
    EVENT_KEY,
    EVENTS,
    IN_THE_FUTURE,
    SESSIONS,
    USER_MIGRATIONS,
    USERS,
    literal,
    typed,
)
from ingestion.sql import quoted
from ingestion.tables import Table, columns_hint

SOURCE = "heap"
TABLES = (DUMPS, USERS, SESSIONS, USER_MIGRATIONS, EVENTS)
MANIFESTS = "manifests"
_MANIFEST = re.compile(r"sync-manifest-(\d+)\.json")
# An unfinished dump older than this was given up, when finished ones came after it.
GIVEN_UP_AFTER = timedelta(days=2)
# Holds the ids of all events once more, under the names of their tables.
REPEATED = frozenset(("all_events",))


@dataclass
class _Dump:
    """One dump: its tables with the keys of their files, and which of them hold everything."""

    number: int
    dumped_at: datetime
    files: dict[str, list[str]] = field(default_factory=dict)
    full: set[str] = field(default_factory=set)


def resources(pull: Pull) -> list[DltResource]:
    """The dlt resources of Heap, one per table."""
    work = _Dumps(pull)
    events = pull.resource(EVENTS, work.events, in_thread=False)
    if not pull.stored.count(EVENTS.name):
        # Nothing to replace: the files go straight into the table. Should a kill interrupt that,
        # the next pull removes what is there.
        events.apply_hints(write_disposition="append")
    removed: Any = columns_hint(EVENTS)["is_removed"] | {"hard_delete": True}
    events.apply_hints(columns={"is_removed": removed})
    found = []
    for table in (USERS, SESSIONS, USER_MIGRATIONS):
        one = pull.resource(table, partial(work.entity, table), in_thread=False)
        key = ", ".join(table.key)
        # Said in either case: dlt would keep to what an earlier pull said.
        delivered = f"({key}) in (select ({key}) from {{staging_table}})"
        merge: Any = {
            "disposition": "merge",
            "strategy": "delete-insert",
            "destination_scope": "1 = 1" if work.is_replaced(table.name) else delivered,
        }
        one.apply_hints(write_disposition=merge)
        found.append(one)
    # The record of what was taken comes last: it counts the files that were not there.
    return [*found, events, pull.resource(DUMPS, work.taken, in_thread=False)]


class _Dumps:
    """What this pull has to take: per table the dumps that count, in their order."""

    def __init__(self, pull: Pull) -> None:
        self._pull = pull
        self._store = ObjectStore.configured(SOURCE)
        self._ignored = REPEATED | set(settings.options(SOURCE, "exclude_tables"))
        self._missing: dict[tuple[int, str], int] = defaultdict(int)
        self._plan: dict[str, list[_Dump]] = {}
        self._dumps = self._new()
        for dump in self._dumps:
            for name in dump.files:
                if name in dump.full:
                    self._plan[name] = []
                self._plan.setdefault(name, []).append(dump)

    def is_replaced(self, name: str) -> bool:
        """Whether this pull begins with a full dump of the table."""
        dumps = self._plan.get(name, [])
        return bool(dumps) and name in dumps[0].full

    def entity(self, table: Table) -> Iterator[Any]:
        """Files for dlt to import: users, sessions or migrations that are new or have changed, all
        of them when they replace the table."""
        dumps = self._plan.get(table.name, [])
        with self._bench(table.name) as (folder, connection):
            source, lines = self._read(table.name, dumps, folder)
            if not lines:
                if self.is_replaced(table.name):
                    self._pull.guard(table.name, self._pull.stored.count(table.name), 0)
                return
            rows = KeyedFiles(self._pull, table, connection, folder, unlike=("dump_id",))
            sql = self._typed(table, table.name, source, connection)
            if self.is_replaced(table.name):
                yield from rows.replace(sql, lines, harmless=(IN_THE_FUTURE,))
            else:
                yield from rows.take(sql, lines, harmless=(IN_THE_FUTURE,))

    def events(self) -> Iterator[Any]:
        """Files for dlt to import: the events of each table of the vendor's, and which parts of
        the table here are no more."""
        gone = self._superseded()
        before = self._pull.stored.count(EVENTS.name)
        after = before - sum(gone.values())
        with self._bench(EVENTS.name) as (folder, connection):
            rows = KeyedFiles(
                self._pull, EVENTS, connection, folder, EVENT_KEY, ("part", "dump_id", "dumped_at")
            )
            for name, dumps in sorted(self._plan.items()):
                if name in ENTITIES:
                    continue
                source, lines = self._read(name, dumps, folder)
                if not lines:
                    continue
                sql = self._typed(EVENTS, name, source, connection)
                # Stored rows that a full dump replaces are no reason to leave its rows out.
                where = "false" if self.is_replaced(name) else f"event_table = {literal(name)}"
                for one in rows.take(sql, lines, where, harmless=(IN_THE_FUTURE,)):
                    after += one.meta.metrics.items_count
                    yield one
                for path in folder.glob("*.rows"):
                    path.unlink()
            self._pull.guard(EVENTS.name, before, after)
            if gone:
                self._pull.rows[EVENTS.name] += max(0, before - after)
                removed = folder / f"{uuid.uuid4().hex[:16]}.parquet"
                yield _removal(list(gone), removed, rows.load_id, connection)

    def taken(self) -> Iterator[Any]:
        """One row per dump and table that was there, also where a full dump came after it."""
        records = [
            {
                "dump_id": dump.number,
                "table_name": name,
                "is_full": name in dump.full,
                "files": len(dump.files[name]),
                "missing_files": self._missing[dump.number, name],
                "dumped_at": dump.dumped_at.isoformat(),
            }
            for dump in self._dumps
            for name in dump.files
        ]
        yield from self._pull.changes(DUMPS, records)

    def _new(self) -> list[_Dump]:
        """The dumps that no pull has taken yet, in their order, up to the first unfinished one."""
        through = self._pull.stored.rows(
            f"select max(dump_id) from {self._pull.stored.relation(DUMPS.name)}"
        )[0][0]
        listed: dict[int, StoredFile] = {}
        for file in self._store.files(MANIFESTS):
            named = _MANIFEST.fullmatch(file.key.rpartition("/")[2])
            if named and (through is None or int(named[1]) > through):
                listed[int(named[1])] = file
        numbers, keys = sorted(listed), [listed[number].key for number in sorted(listed)]
        with self._bench(MANIFESTS) as (folder, _):
            paths = dict(self._store.fetch_all(keys, folder))
            dumps = [self._dump(n, listed[n], paths.get(listed[n].key)) for n in numbers]
        while dumps and dumps[-1] is None:
            dumps.pop()
        found: list[_Dump] = []
        for number, dump in zip(numbers, dumps, strict=False):
            if dump is not None:
                found.append(dump)
            elif listed[number].modified_at > self._pull.now - GIVEN_UP_AFTER:
                break
        return found

    def _dump(self, number: int, file: StoredFile, path: Path | None) -> _Dump | None:
        """A dump by its manifest, None when it is not finished."""
        try:
            manifest = json.loads(path.read_bytes()) if path else {}
        except ValueError:
            return None
        if not isinstance(manifest, dict) or not manifest.get("complete", "tables" in manifest):
            return None
        dump = _Dump(number, file.modified_at)
        for table in manifest.get("tables") or []:
            name = str(table["name"])
            if name not in self._ignored:
                dump.files[name] = [_key(str(url)) for url in table.get("files") or []]
                if not table.get("incremental", True):
                    dump.full.add(name)
        return dump

    def _read(self, name: str, dumps: list[_Dump], folder: Path) -> tuple[str, int]:
        """The records of one table in all of its dumps, as SQL, and how many they are."""
        parts, lines, mark = [], 0, uuid.uuid4().hex[:8]
        owner = {key: dump for dump in dumps for key in dump.files[name]}
        for dump in dumps:
            self._missing[dump.number, name] = len(dump.files[name])
        for number, (key, path) in enumerate(self._store.fetch_all(list(owner), folder)):
            dump, target = owner[key], folder / f"{mark}-{number}.rows"
            self._missing[dump.number, name] -= 1
            try:
                count = to_parquet(path, target)
            except BrokenFile as problem:
                raise PullError(
                    SOURCE,
                    "bad_answer",
                    f"{key} is no whole Avro file ({problem}); nothing was loaded. "
                    "Ask Heap to dump it again.",
                ) from None
            path.unlink()
            if count:
                lines += count
                parts.append(
                    f"select *, {dump.number}::bigint as dump_id, "
                    f"timestamptz '{dump.dumped_at.isoformat()}' as dumped_at "
                    f"from read_parquet({quoted(target)})"
                )
        return " union all by name ".join(parts), lines

    def _typed(self, table: Table, name: str, source: str, connection: Connection) -> str:
        described = connection.execute(f"describe {source}").fetchall()
        found = {str(row[0]): str(row[1]) for row in described}
        return typed(table, name, f"({source})", found, self._pull.now)

    def _superseded(self) -> dict[str, int]:
        """Stored parts of tables that begin anew, with how many rows they have."""
        names = [name for name in self._plan if self.is_replaced(name) and name not in ENTITIES]
        if not names:
            return {}
        relation = self._pull.stored.relation(EVENTS.name)
        sql = f"select part, count(*) from {relation} where event_table in (select unnest(?))"
        return dict(self._pull.stored.rows(f"{sql} group by part", names))

    @contextmanager
    def _bench(self, name: str) -> Iterator[tuple[Path, Connection]]:
        """A folder of its own that is gone afterwards, and a DuckDB that works in it."""
        folder = settings.data_dir() / "exports" / SOURCE / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            with workbench(folder) as connection:
                yield folder, connection
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _key(url: str) -> str:
    """The path of a file below the bucket; manifests name it by its whole URL."""
    return url.partition("://")[2].partition("/")[2] if "://" in url else url


def _removal(parts: list[str], parquet: Path, load_id: str, connection: Connection) -> Any:
    """A file of rows that name the parts of `events` that are no more, and are not stored."""
    empty = ", ".join(
        f'cast(null as {SQL_TYPES[kind]}) as "{name}"'
        for name, kind in EVENTS.kinds.items()
        if name not in ("part", "is_removed")
    )
    connection.execute(
        f"copy (select part, {empty}, true as is_removed, '{load_id}' as _dlt_load_id, "
        f"'{parquet.stem}-' || part as _dlt_id from (select unnest(?) as part)) "
        f"to {quoted(parquet)} (format parquet)",
        [parts],
    ).fetchall()
    return dlt.mark.with_file_import(str(parquet), "parquet", len(parts))
