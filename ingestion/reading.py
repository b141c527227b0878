"""Records of a vendor -> one typed Arrow table, and the records that could not be read."""

import hashlib
import json
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from dlt.common.normalizers.naming.snake_case import NamingConvention

from ingestion.errors import PullError
from ingestion.tables import Column, Kind, Table
from ingestion.values import (
    Unreadable,
    clean_text,
    read_bigint,
    read_bool,
    read_double,
    read_json,
    read_text,
    reader_of,
)

ARROW: dict[str, pa.DataType] = {
    "text": pa.string(),
    "json": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us", "UTC"),
    "date": pa.date32(),
}
# A column that more than this share of at least so many values cannot be read as has changed its
# type at the vendor. Below that, single records are broken.
TYPE_CHANGED_SHARE = 0.2
TYPE_CHANGED_ROWS = 20
# A record with more unknown members than this is not a new version of the API but a broken record.
MOST_NEW_FIELDS = 200
LONGEST_NAME = 120

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True)
class Reject:
    """A record that was turned away: where it came from, why, and what the vendor sent."""

    resource: str
    record_key: str
    reason: str
    payload: str


@dataclass
class Batch:
    """Readable records as `rows` (declared columns, then undeclared), the others as `rejects`."""

    rows: pa.Table
    rejects: list[Reject]


@dataclass
class Reader:
    """Reads the records of one table, batch after batch, for the length of one pull.

    `extra_kinds` are the undeclared columns that the raw table already has; they are held to their
    type like declared ones. `check` is called once at the end.
    """

    source: str
    table: Table
    extra_kinds: dict[str, Kind] = field(default_factory=dict)
    reserved: frozenset[str] = frozenset(("_dlt_load_id", "_dlt_id"))

    def __post_init__(self) -> None:
        # What takes rows away is never the vendor's to say.
        read = [column for column in self.table.columns if column.name != self.table.gone]
        self._readers = [(column, self._reader(column)) for column in read]
        self._claimed = {column.path for column in self.table.columns}
        self._open = {path[0] for path in self._claimed if len(path) > 1}
        self._named: dict[tuple[str, ...], str] = {}
        self._naming = NamingConvention()
        self._seen: Counter[str] = Counter()
        self._unreadable: Counter[str] = Counter()

    def read(self, records: Iterable[Any]) -> Batch:
        """Types a batch. Of records with one key the newest stays (without `updated`: the last)."""
        rejects: list[Reject] = []
        rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        extras: dict[tuple[Any, ...], tuple[dict[str, Any], Any]] = {}
        for record in records:
            try:
                row = self._declared(record)
                extra = self._undeclared(record)
            except Unreadable as problem:
                rejects.append(self._reject(record, str(problem)))
                continue
            key = tuple(row[name] for name in self.table.key)
            if key in rows and not self._is_newer(row, rows[key]):
                continue
            rows[key], extras[key] = row, (extra, record)
        kinds = self._kinds_of(extra for extra, _ in extras.values())
        for key, (extra, record) in extras.items():
            try:
                rows[key] |= self._typed(extra, kinds)
            except Unreadable as problem:
                del rows[key]
                rejects.append(self._reject(record, str(problem)))
        return Batch(self._arrow(list(rows.values()), kinds), rejects)

    def own(self, rows: list[dict[str, Any]]) -> pa.Table:
        """Rows that no record stands behind, from their values by declared column."""
        return self._arrow(rows, {})

    def saw(self, rows: pa.Table) -> None:
        """Counts rows of this table that were typed without it, so that `check` weighs them in."""
        for name in rows.column_names:
            self._seen[name] += rows.num_rows - rows[name].null_count

    def check(self) -> None:
        """Raises PullError (type_changed) when a column was unreadable too often."""
        for column, bad in self._unreadable.items():
            seen = self._seen[column]
            if seen >= TYPE_CHANGED_ROWS and bad > TYPE_CHANGED_SHARE * seen:
                raise PullError(
                    self.source,
                    "type_changed",
                    f"{self.table.name}.{column} could not be read in {bad} of {seen} records. "
                    "The vendor has changed its type; nothing was loaded. "
                    "Adapt the column in ingestion/sources, then pull again.",
                )

    def _reader(self, column: Column) -> Callable[[Any], Any]:
        read = reader_of(column)
        return (lambda raw: _key(read(raw))) if column.name in self.table.key else read

    def _declared(self, record: Any) -> dict[str, Any]:
        if not isinstance(record, Mapping):
            raise Unreadable("the record is not an object")
        row: dict[str, Any] = {}
        problems: list[str] = []
        for column, read in self._readers:
            raw = _at(record, column.path)
            if raw is None and column.name not in self.table.key:
                row[column.name] = None
                continue
            self._seen[column.name] += 1
            try:
                row[column.name] = read(raw)
            except Unreadable as problem:
                self._unreadable[column.name] += 1
                problems.append(f"{column.name} {problem}")
        if problems:
            raise Unreadable("; ".join(problems))
        return row

    def _undeclared(self, record: Mapping[Any, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for path, raw in self._members(record):
            if raw is not None:
                found[self._name_of(path)] = raw
        if len(found) > MOST_NEW_FIELDS:
            raise Unreadable(f"the record has {len(found)} undeclared fields")
        return found

    def _members(self, record: Mapping[Any, Any]) -> Iterable[tuple[tuple[str, ...], Any]]:
        for name, raw in record.items():
            if name in self.table.ignored or (name,) in self._claimed:
                continue
            if name in self._open and isinstance(raw, Mapping):
                for inner, value in raw.items():
                    if (name, inner) not in self._claimed:
                        yield (name, inner), value
            else:
                yield (name,), raw

    def _name_of(self, path: tuple[str, ...]) -> str:
        if path not in self._named:
            self._named[path] = self._new_name(path)
        return self._named[path]

    def _new_name(self, path: tuple[str, ...]) -> str:
        """A column name that no other field has: `Name` beside `name` gets a suffix of its own."""
        original = "__".join(str(part) for part in path)
        taken = set(self.table.kinds) | set(self._named.values())
        if _PLAIN.fullmatch(original) and original not in self.reserved:
            name = self._naming.normalize_path(original)
            if name == original and name not in taken and len(name) <= LONGEST_NAME:
                return name
        digest = hashlib.sha256(original.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        readable = re.sub(r"[^a-z0-9]+", "_", original.lower()).strip("_") or "field"
        return f"field_{readable[: LONGEST_NAME - 15]}_{digest}"

    def _kinds_of(self, extras: Iterable[dict[str, Any]]) -> dict[str, Kind]:
        sightings: dict[str, set[type]] = {}
        for extra in extras:
            for name, raw in extra.items():
                sightings.setdefault(name, set()).add(type(raw))
        for name, types in sightings.items():
            self.extra_kinds.setdefault(name, _kind_of(types))
        return {name: self.extra_kinds[name] for name in sorted(sightings)}

    def _typed(self, extra: dict[str, Any], kinds: dict[str, Kind]) -> dict[str, Any]:
        typed: dict[str, Any] = {}
        for name, raw in extra.items():
            self._seen[name] += 1
            try:
                typed[name] = _read_undeclared(raw, kinds[name])
            except Unreadable as problem:
                self._unreadable[name] += 1
                raise Unreadable(f"{name} {problem}") from None
        return typed

    def _is_newer(self, row: dict[str, Any], other: dict[str, Any]) -> bool:
        updated = self.table.updated
        if not updated or row[updated] is None or other[updated] is None:
            return True
        newer: bool = row[updated] >= other[updated]
        return newer

    def _reject(self, record: Any, reason: str) -> Reject:
        key = "/".join(_shown(_at(record, self._path_of(name))) for name in self.table.key)
        return Reject(self.table.name, key, reason, payload_of(record))

    def _path_of(self, name: str) -> tuple[str, ...]:
        return next(column.path for column in self.table.columns if column.name == name)

    def _arrow(self, rows: list[dict[str, Any]], kinds: dict[str, Kind]) -> pa.Table:
        arrays: dict[str, pa.Array] = {
            name: pa.array([row.get(name) for row in rows], ARROW[kind])
            for name, kind in (self.table.kinds | kinds).items()
        }
        return with_row_ids(pa.table(arrays))


def with_row_ids(rows: pa.Table) -> pa.Table:
    """`rows` with the `_dlt_id` that dlt would give them one by one."""
    prefix = uuid.uuid4().hex[:16]
    ids = pa.array([f"{prefix}-{number}" for number in range(rows.num_rows)], pa.string())
    return rows.append_column(pa.field("_dlt_id", pa.string(), nullable=False), ids)


def payload_of(record: Any) -> str:
    """What the vendor sent, as text: JSON, but for numbers that are not finite."""
    return clean_text(json.dumps(record, ensure_ascii=False))


def _at(record: Any, path: tuple[str, ...]) -> Any:
    found = record
    for part in path:
        if not isinstance(found, Mapping):
            # `address: null` and a record that is no object both hold nothing at this path.
            return None
        found = found.get(part)
    return found


def _key(found: Any) -> Any:
    if isinstance(found, str):
        found = found.strip()
    if found is None or found == "":
        raise Unreadable("is a key and is missing")
    return found


def _shown(raw: Any) -> str:
    return clean_text(raw) if isinstance(raw, str) else "" if raw is None else str(raw)


def _kind_of(types: set[type]) -> Kind:
    if types == {bool}:
        return "bool"
    if types == {int}:
        return "bigint"
    if types <= {int, float}:
        return "double"
    return "text"


def _read_undeclared(raw: Any, kind: Kind) -> Any:
    """Undeclared columns hold to the type they were first seen with; nested values are text."""
    if isinstance(raw, dict | list) and kind == "text":
        return read_json(raw)
    if isinstance(raw, str) and kind != "text":
        raise Unreadable(f"was {kind} before")
    return _UNDECLARED[kind](raw)


_UNDECLARED: dict[str, Any] = {
    "text": read_text,
    "bigint": read_bigint,
    "double": read_double,
    "bool": read_bool,
}
