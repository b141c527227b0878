"""What lies in the bucket at the clock: a manifest per dump, and per table its Avro files."""

from __future__ import annotations

import hashlib
import json
import tempfile
import threading
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sandbox.clock import Clock
from sandbox.overlay import Overlay
from sandbox.s3 import Stat
from sandbox.universe.arrivals import accounts_in_product
from sandbox.universe.calendar import DAY, add_months
from sandbox.universe.world import MONTHS_AFTER, World
from sandbox.vendors.heap import avro
from sandbox.vendors.heap.tables import REDEFINED, TABLES, Tables, written_by_hand

VENDOR = "heap"
BUCKET = "heap-rs3-acme"
FIRST_DUMP = 1000
# Files are written so many seconds after the span of their dump has ended, the manifest at last.
_FILES_AFTER, _MANIFEST_AFTER = 1800, 2400
# Never dumped in full: they begin with what there was when the first dump was made.
NEVER_FULL = frozenset(("user_migrations", "invite_sent"))


class Dumps:
    """The bucket: reads the world and the overlay as one environment."""

    def __init__(
        self,
        world: World,
        overlay: Overlay,
        clock: Clock,
        every_hours: int = 24,
        connected_days: int = 45,
        redefined_every: int = 30,
        codec: str = "snappy",
    ) -> None:
        self._world, self._overlay, self._clock = world, overlay, clock
        self._every, self._redefined, self._codec = every_hours * 3600, redefined_every, codec
        ends = add_months(world.frame.horizon, -MONTHS_AFTER)
        # Dumps are made at four in the morning.
        self._connected = max(world.frame.start + DAY, ends - connected_days * DAY) + 4 * 3600
        self._tables = Tables(world)
        self._listed: tuple[tuple[int, int], list[str]] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()

    # ---- what a test does ----

    def put(self, resource: str, record: Any) -> None:
        """Insert rows of a table, which come with the next dump, or change a manifest.

        A row of `events` names its `event_table`. A record of `dumps` has an `id` and members of
        the manifest that replace its own; `full` lists tables to be dumped whole. An event that
        is removed is left out of the dumps that are made from then on.
        """
        if resource == "dumps":
            self._overlay.put(VENDOR, resource, record, self._clock.seconds, True)
            return
        for row in record if isinstance(record, list) else [record]:
            self._overlay.put(VENDOR, resource, {"row": row}, self._clock.seconds, False)

    def user(self, identity: str) -> dict[str, Any] | None:
        """Return a copy of one user by its id, as the newest dump with it has it."""
        for put in reversed(list(self._overlay.layer(VENDOR, "users").put.values())):
            if str(put.record["row"].get("user_id")) == identity:
                return dict(put.record["row"])
        return self._tables.user(identity, self._clock.seconds)

    def accounts(self) -> Iterator[tuple[str, str, str]]:
        """Yield the account records of the made-up world."""
        return accounts_in_product(self._world, self._clock.seconds)

    @property
    def newest(self) -> int:
        """The number of the newest dump whose manifest is there; below FIRST_DUMP without one."""
        return FIRST_DUMP + (self._clock.seconds - _MANIFEST_AFTER - self._connected) // self._every

    # ---- what the endpoint asks ----

    def keys(self) -> list[str]:
        """Return every key at the clock, sorted."""
        state = (self.newest, self._overlay.version)
        if self._listed is None or self._listed[0] != state:
            self._listed = (state, self._all_keys())
        return self._listed[1]

    def _all_keys(self) -> list[str]:
        removed = self._overlay.layer(VENDOR, "files").removed
        found = []
        for number in range(FIRST_DUMP, self.newest + 1):
            found.append(manifest_key(number))
            for table in TABLES:
                found += [
                    self._file_key(number, table, part) for part in self._parts(number, table)
                ]
        return sorted(set(found) - removed.keys())

    def stat(self, key: str) -> Stat:
        """Return what a listing says of one object."""
        body = self.body(key)
        assert body is not None
        is_manifest, number = _parsed(key)
        after = _MANIFEST_AFTER if is_manifest else _FILES_AFTER
        return Stat(len(body), hashlib.md5(body).hexdigest(), self._span(number)[1] + after)

    def body(self, key: str) -> bytes | None:
        """Return an object; None when there is none with this key."""
        is_manifest, number = _parsed(key)
        if is_manifest:
            return json.dumps(self._manifest(number), separators=(",", ":")).encode()
        table = key.split("/")[1]
        part = int(key.rpartition("part-")[2][:5])
        if part:
            rows = self._added(number, table)
            return written_by_hand(rows, self._codec) if rows else None
        with self._lock:
            kept = self._kept(number, table)
            if not kept.exists():
                self._write(number, table)
        return kept.read_bytes()

    def headers(self, key: str) -> Mapping[str, str]:
        """Return no headers of an object's own."""
        return {}

    # ---- inside ----

    def _span(self, number: int) -> tuple[int, int]:
        """The first second of a dump's increments, and the first one behind them."""
        end = self._connected + (number - FIRST_DUMP) * self._every
        return (self._world.frame.start if number == FIRST_DUMP else end - self._every), end

    def is_full(self, number: int, table: str) -> bool:
        """Whether a dump holds all rows of a table."""
        changed = self._overlay.layer(VENDOR, "dumps").put.get(str(number))
        if changed and table in changed.record.get("full", ()):
            return True
        if table in NEVER_FULL:
            return False
        place = number - FIRST_DUMP
        again = table in REDEFINED and place % self._redefined == self._redefined * 2 // 3
        return place == 0 or again

    def _version(self, number: int) -> int:
        """How often the tables that change their definition have done so by a dump."""
        return sum(self.is_full(one, REDEFINED[0]) for one in range(FIRST_DUMP, number + 1))

    def _manifest(self, number: int) -> dict[str, Any]:
        changed = self._overlay.layer(VENDOR, "dumps").put.get(str(number))
        tables = [
            {
                "name": table,
                "files": [
                    f"s3://{BUCKET}/{self._file_key(number, table, part)}"
                    for part in self._parts(number, table)
                ],
                "columns": [name for name, _ in self._tables.fields(table, number - FIRST_DUMP)],
                "incremental": not self.is_full(number, table),
            }
            for table in TABLES
        ]
        made = {
            "dump_id": number,
            "complete": True,
            "property_definitions": f"s3://{BUCKET}/sync_{number}/property_definitions.json",
            "tables": tables,
        }
        own = {"id", "full"}
        more = {k: v for k, v in changed.record.items() if k not in own} if changed else {}
        return made | more

    def _parts(self, number: int, table: str) -> list[int]:
        return [0, 1] if self._added(number, table) else [0]

    def _file_key(self, number: int, table: str, part: int) -> str:
        mark = zlib.crc32(f"{self._world.frame.seed}/{number}/{table}/{part}".encode())
        return f"sync_{number}/{table}/part-{part:05}-{mark:08x}.avro"

    def _added(self, number: int, table: str) -> list[dict[str, Any]]:
        """Rows that a test put, in the dump of their time; in a full one, all up to then."""
        first, until = self._span(number)
        if self.is_full(number, table):
            first = self._world.frame.start
        resource = table if table in ("users", "sessions", "user_migrations") else "events"
        found = []
        for put in self._overlay.layer(VENDOR, resource).put.values():
            row = put.record["row"]
            if first <= put.at < until and (resource != "events" or row["event_table"] == table):
                found.append({name: row[name] for name in row if name != "event_table"})
        return found

    def _kept(self, number: int, table: str) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="sandbox-heap-")
        full = "full" if self.is_full(number, table) else "more"
        return Path(self._folder.name) / f"{number}-{table}-{full}"

    def _write(self, number: int, table: str) -> None:
        """Writes a table of a dump; of the increments, which are drawn once, every table."""
        first, until = self._span(number)
        is_full = self.is_full(number, table)
        wanted = (table,) if is_full and number > FIRST_DUMP else TABLES
        begin = self._world.frame.start if is_full else first
        place = number - FIRST_DUMP
        removed = [int(one) for one in self._overlay.layer(VENDOR, "events").removed]
        made = self._tables.rows(wanted, begin, until, place, self._version(number), removed)
        for name in wanted:
            kept = self._kept(number, name)
            if name == table or self.is_full(number, name) == is_full or number == FIRST_DUMP:
                fields = self._tables.fields(name, place)
                kept.write_bytes(avro.file(fields, made[name], self._codec))


def manifest_key(number: int) -> str:
    """Return the key of a dump's manifest."""
    return f"manifests/sync-manifest-{number}.json"


def _parsed(key: str) -> tuple[bool, int]:
    """Return whether a key is a manifest's, and the number of its dump."""
    is_manifest = key.startswith("manifests/")
    digits = key.rpartition("-")[2] if is_manifest else key.partition("_")[2]
    return is_manifest, int("".join(c for c in digits.partition("/")[0] if c.isdigit()))
