"""Event-sized tables whose rows have keys: typed by SQL, without what is stored already, handed to
dlt as Parquet files; never a Python loop per row."""

import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt.extract.hints import make_hints

from ingestion.errors import PullError
from ingestion.pull import Pull
from ingestion.reading import TYPE_CHANGED_ROWS, TYPE_CHANGED_SHARE, Reject
from ingestion.sql import quoted
from ingestion.tables import DLT_COLUMNS, Kind, Table
from ingestion.values import clean_text

REJECTS_AT_ONCE = 1000
GOOD = "reason is null"
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "UINTEGER"), "bigint"),
    **dict.fromkeys(("FLOAT", "DOUBLE"), "double"),
    "BOOLEAN": "bool",
}
SQL_TYPES = {
    "text": "varchar",
    "bigint": "bigint",
    "double": "double",
    "bool": "boolean",
    "timestamp": "timestamptz",
}


class KeyedFiles:
    """The rows of one table on their way, file after file, through a DuckDB of their own.

    A key comes once: of several rows with one key in a file the newest stays, of rows in several
    files the first.
    """

    def __init__(
        self,
        pull: Pull,
        table: Table,
        connection: duckdb.DuckDBPyConnection,
        folder: Path,
        key: tuple[str, ...] = (),
        unlike: tuple[str, ...] = (),
    ) -> None:
        """`key` for a table that dlt writes by other means than the key of its rows; columns
        `unlike` may differ in rows that are the same."""
        self._pull, self._table, self._connection, self._folder = pull, table, connection, folder
        self._keys, self._unlike = key or table.key, unlike
        self.load_id = dlt.current.load_package_state()["load_id"]
        self._key = ", ".join(f'"{name}"' for name in self._keys)
        self._print = f"md5_number(concat_ws(chr(0), {self._key}))"
        self._is_first = not pull.stored.count(table.name)
        self._connection.execute(f"create or replace table seen_{table.name} (key uhugeint)")

    def take(
        self,
        typed: str,
        lines: int,
        where: str = "true",
        new: Mapping[str, Kind] | None = None,
        harmless: Collection[str] = (),
        with_line: str = "",
    ) -> Iterator[Any]:
        """Files for dlt to import: the good rows of `typed` that are not stored just so.

        `typed` is SQL for the columns of the table and those of `new`, with `reason` (null for a
        good row) and `line`, what the vendor sent; it has `lines` rows. `where` says which stored
        rows can be the same ones. Reasons that are `harmless` say nothing about types. `with_line`
        gives the same rows as `typed` where that one is faster but has no `line`.
        Raises PullError (type_changed) when too many rows are unreadable.
        """
        parquet, count = self._arrived(typed, lines, new, harmless, with_line)
        if count and not self._is_first:
            changed = self._path()
            count = self._changed(parquet, changed, where)
            parquet.unlink()
            parquet = changed
        if not count:
            parquet.unlink()
            return
        self._pull.rows[self._table.name] += count
        hints = make_hints(columns=_hints(new)) if new else None
        yield dlt.mark.with_file_import(str(parquet), "parquet", count, hints)

    def replace(self, typed: str, lines: int, harmless: Collection[str] = ()) -> Iterator[Any]:
        """A file with all good rows of `typed`, to stand in place of the table; none when it would
        stay the same. Raises PullError (shrunk) as well."""
        parquet, count = self._arrived(typed, lines, None, harmless)
        before = self._pull.stored.count(self._table.name)
        # A row that was turned away is still there at the vendor.
        self._pull.guard(self._table.name, before, count + self._pull.rejected[self._table.name])
        news = count
        if not self._is_first:
            beside = self._path()
            news = self._changed(parquet, beside, "true") + self._pull.stored.gone(
                self._table, parquet
            )
            beside.unlink()
        if news:
            self._pull.rows[self._table.name] += news
            yield dlt.mark.with_file_import(str(parquet), "parquet", count)

    def _arrived(
        self,
        typed: str,
        lines: int,
        new: Mapping[str, Kind] | None,
        harmless: Collection[str],
        with_line: str = "",
    ) -> tuple[Path, int]:
        """The good rows, once each, and how many they are; the others are turned away."""
        names = (*self._table.kinds, *(new or {}))
        listed = ", ".join(f'"{name}"' for name in names)
        # Typed once, into memory that spills: what follows asks for the same rows several times.
        self._connection.execute(
            f"create or replace temp table arrived as select {listed}, reason, "
            f"case when reason is not null then line end as line from ({typed})"
        )
        good = self._number(f"select count(*) from arrived where {GOOD}")
        if good < lines:
            self._turn_away(with_line or "from arrived", lines, harmless)
        keep = self._once_each(good)
        parquet = self._path()
        count = self._copy(
            f"select {_nullable(names)}, '{self.load_id}' as _dlt_load_id, "
            f"'{parquet.stem}-' || rowid as _dlt_id from arrived where {keep}",
            parquet,
        )
        self._connection.execute(
            f"insert into seen_{self._table.name} select {self._print} from arrived where {keep}"
        )
        self._connection.execute("drop table arrived")
        return parquet, count

    def _changed(self, parquet: Path, to: Path, where: str) -> int:
        return self._pull.stored.write_changes(
            self._table, parquet, to, where, self._pull.now, self._keys, self._unlike, self.load_id
        )

    def _once_each(self, good: int) -> str:
        """SQL: which of the rows that arrived, `good` of them, come first with their key."""
        keep = GOOD
        rows = f"from arrived where {GOOD}"
        if self._number(f"select count(*) from (select distinct {self._key} {rows})") < good:
            newest = f'"{self._table.updated}" desc nulls last, ' if self._table.updated else ""
            same = " and ".join(f'a."{key}" is not distinct from b."{key}"' for key in self._keys)
            keep += f""" and rowid not in (
                select row from (
                    select a.rowid as row, row_number() over (
                        partition by {self._key} order by {newest}a.rowid) as place
                    from arrived a semi join (
                        select {self._key} {rows} group by all having count(*) > 1
                    ) b on {same}
                    where {GOOD}
                ) where place > 1)"""
        known = f"{self._print} in (select key from seen_{self._table.name})"
        if self._number(f"select count(*) {rows} and {known}"):
            keep += f" and not ({known})"
        return keep

    def _turn_away(self, typed: str, lines: int, harmless: Collection[str]) -> None:
        found = dict(
            self._connection.execute(
                f"select reason, count(*) from ({typed}) where reason is not null group by reason"
            ).fetchall()
        )
        unreadable = {why: many for why, many in found.items() if why not in harmless}
        many = sum(unreadable.values())
        if lines >= TYPE_CHANGED_ROWS and many > TYPE_CHANGED_SHARE * lines:
            raise PullError(
                self._pull.source,
                "type_changed",
                f"{many} of {lines} {self._table.name} could not be read (mostly: "
                f"{max(unreadable, key=lambda why: unreadable[why])}). The vendor has changed its "
                "format; nothing was loaded. Adapt ingestion/sources, then pull again.",
            )
        key = " || '/' || ".join(f"coalesce(\"{name}\"::varchar, '')" for name in self._keys)
        result = self._connection.execute(
            f"select {key}, reason, line from ({typed}) where reason is not null"
        )
        while rows := result.fetchmany(REJECTS_AT_ONCE):
            self._pull.reject(
                [Reject(self._table.name, key, why, clean_text(line)) for key, why, line in rows]
            )

    def _path(self) -> Path:
        # Its name becomes a part of each row's id.
        return self._folder / f"{uuid.uuid4().hex[:16]}.parquet"

    def _copy(self, sql: str, parquet: Path) -> int:
        return self._number(
            f"copy ({sql}) to {quoted(parquet)} "
            "(format parquet, compression snappy, dictionary_size_limit 5000)"
        )

    def _number(self, sql: str) -> int:
        found = self._connection.execute(sql).fetchone()
        return int(found[0]) if found else 0


def _nullable(names: Iterable[str]) -> str:
    """SQL for columns of good rows of which DuckDB cannot tell that none is null. Where it can, it
    writes a column that may hold none, and dlt, which has declared that it may, writes the whole
    file anew."""
    return ", ".join(f'case when {GOOD} then "{name}" end as "{name}"' for name in names)


def _hints(new: Mapping[str, Kind]) -> Any:
    return [{"name": name, "data_type": kind, "nullable": True} for name, kind in new.items()]


def undeclared(
    pull: Pull, table: Table, found: Mapping[str, str], known: Collection[str]
) -> dict[str, Kind]:
    """The columns of a file (name to DuckDB type) that are not `known`, with their kind, by name.

    Raises PullError (type_changed) when one of them was stored with another kind before.
    """
    stored = pull.stored.extra_kinds(table)
    kinds: dict[str, Kind] = {}
    for name, kind in found.items():
        if name in known or name in DLT_COLUMNS or not _PLAIN.fullmatch(name):
            continue
        kinds[name] = stored.get(name, _KINDS.get(kind, "text"))
        if kinds[name] not in ("text", _KINDS.get(kind, "text")):
            raise PullError(
                pull.source,
                "type_changed",
                f"{table.name}.{name} has changed its type; nothing was loaded. "
                "Adapt the column in ingestion/sources, then pull again.",
            )
    return kinds


def as_kind(name: str, kind: Kind) -> str:
    """SQL that reads an undeclared column as its kind."""
    return f'cast("{name}" as {SQL_TYPES[kind]}) as "{name}"'
