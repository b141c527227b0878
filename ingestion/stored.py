"""What earlier pulls left in a raw file, read while no load is going on."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from ingestion.sql import quoted
from ingestion.tables import DLT_COLUMNS, Kind, Table

_KINDS: dict[str, Kind] = {
    "VARCHAR": "text",
    "JSON": "text",
    "BIGINT": "bigint",
    "DOUBLE": "double",
    "BOOLEAN": "bool",
}

EVENT_HASH = 'hash(event, "time", distinct_id, insert_id, processed_at, group_key, properties)'


def day_prints(source: str) -> str:
    """SQL for day, count and content hash of the events behind FROM, whatever their order."""
    return f"select event_date, count(*), sum({EVENT_HASH}) from {source} group by event_date"


class Stored:
    """The rows of completed loads in the raw file of one source.

    Rows of a load that never completed are not there: what such a load brought is pulled again.
    `now` is where the window of the pull ends. A context manager; while it is open nobody can write
    to the file.
    """

    def __init__(self, path: Path, schema: str, now: datetime) -> None:
        self._path = path
        self._schema = schema
        self._now = now
        self._lock = threading.Lock()

    def __enter__(self) -> "Stored":
        self._connection = duckdb.connect()
        # Under a name that its schema does not have, or every name in two parts is ambiguous.
        self._connection.execute(f"attach {quoted(self._path)} as stored (read_only)")
        self._connection.execute("use stored")
        self._connection.execute("set TimeZone = 'UTC'")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def relation(self, table: str) -> str:
        """SQL for the completed rows of `table`, to stand behind FROM."""
        return (
            f'(select * from {self._schema}."{table}" where _dlt_load_id in '
            f"(select load_id from {self._schema}._dlt_loads where status = 0))"
        )

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The result of a query."""
        with self._lock:
            return self._connection.execute(sql, list(parameters)).fetchall()

    def count(self, table: str, where: str = "true") -> int:
        """How many completed rows `table` has."""
        found: int = self.rows(f"select count(*) from {self.relation(table)} where {where}")[0][0]
        return found

    def days(self, table: str, first: date, last: date) -> dict[date, tuple[int, int]]:
        """Count and content hash of each stored day, as `day_prints` makes them."""
        source = f"{self.relation(table)} where event_date between ? and ?"
        return {row[0]: (row[1], row[2]) for row in self.rows(day_prints(source), first, last)}

    def new_among(self, table: str, parquet: Path, days: Iterable[date]) -> int:
        """How many events of `parquet` are not stored on these days."""
        found: int = self.rows(
            f"""select count(*) from read_parquet(?) where event_date in (select unnest(?))
            and {EVENT_HASH} not in (select {EVENT_HASH} from {self.relation(table)}
                where event_date in (select unnest(?)))""",
            str(parquet),
            list(days),
            list(days),
        )[0][0]
        return found

    def copies(self, table: Table, keys: Sequence[str], marks: Mapping[str, Any]) -> pa.Table:
        """Completed rows of `table` by their one key column, with `marks` in place of their own
        values and without the columns that dlt adds."""
        stored = self._columns(table.name)
        listed = []
        for name, kind in stored.items():
            if name in DLT_COLUMNS:
                continue
            found = f'"{name}"::varchar' if kind == "JSON" else f'"{name}"'
            listed.append(f'{f"?::{kind}" if name in marks else found} as "{name}"')
        sql = (
            f"select {', '.join(listed)} from {self.relation(table.name)} "
            f'where "{table.key[0]}" in (select unnest(?))'
        )
        values = [marks[name] for name in stored if name in marks]
        with self._lock:
            return self._connection.sql(sql, params=[*values, list(keys)]).to_arrow_table()

    def pulled_through(self, listed_all: bool = False) -> datetime | None:
        """Up to when the last complete pull looked, or the last that compared all that is stored
        with the vendor's lists; None before the first.

        A pull whose clock ran ahead does not count: what has happened since would never be asked
        for.
        """
        sql = f"select max(pulled_through) from {self._schema}.pulls where pulled_through <= ?"
        found = self.rows(f"{sql} and listed_all" if listed_all else sql, self._now)[0][0]
        return found if isinstance(found, datetime) else None

    def rows_by_parent(self, table: Table, parents: Sequence[str]) -> dict[str, int]:
        """How many completed rows of `table` each of these parents has, without those with none."""
        sql = (
            f'select "{table.parent}", count(*) from {self.relation(table.name)} '
            f'where "{table.parent}" in (select unnest(?)) group by 1'
        )
        return dict(self.rows(sql, list(parents)))

    def extra_kinds(self, table: Table) -> dict[str, Kind]:
        """The columns that `table` has beyond the declared ones, with their kind."""
        return {
            name: _KINDS.get(kind, "text")
            for name, kind in self._columns(table.name).items()
            if name not in table.kinds and name not in DLT_COLUMNS
        }

    def changed(self, table: Table, pulled: pa.Table, moment: datetime) -> pa.Table:
        """The rows of `pulled` that are not stored, or differ from what is stored.

        A row that is older than the stored one is left out, unless the stored one is dated after
        `moment`: a date in the future must not lock a record for ever. For a table written by
        parent it is all pulled rows of each parent that has a row new, changed or gone.
        """
        stored = self.relation(table.name)
        on = " and ".join(f'p."{name}" = s."{name}"' for name in table.key)
        differs = f"(s._dlt_id is null or {self._difference(table, pulled.column_names)})"
        if table.write == "by_parent":
            sql = f"""
                select p.* from pulled p where p."{table.parent}" in (
                    select p."{table.parent}" from pulled p left join {stored} s on {on}
                    where {differs}
                    union all
                    select s."{table.parent}" from {stored} s left join pulled p on {on}
                    where p._dlt_id is null
                )"""
        else:
            sql = f"select p.* from pulled p left join {stored} s on {on} where {differs}"
            if table.updated:
                sql += f" and not {_is_older(table, moment)}"
        return self._with_pulled(pulled, sql).cast(pulled.schema)

    def write_changes(
        self,
        table: Table,
        parquet: Path,
        to: Path,
        where: str,
        moment: datetime,
        keys: Sequence[str],
        unlike: Sequence[str],
        load_id: str,
    ) -> int:
        """Writes the rows of `parquet` that are not among the stored rows `where`, or differ from
        them in other columns than `unlike`, and returns how many. Rows are told apart by `keys`; an
        older one stays away as in `changed`. They are those of the load `load_id`."""
        names = [row[0] for row in self.rows(f"describe from read_parquet({quoted(parquet)})")]
        on = " and ".join(f'p."{name}" = s."{name}"' for name in keys)
        pulled = f"read_parquet({quoted(parquet)})"
        key = ", ".join(f'"{name}"' for name in keys)
        sql = f"""select p.* replace ('{load_id}' as _dlt_load_id) from {pulled} p left join (
                select * from {self.relation(table.name)} where ({where})
                and ({key}) in (select ({key}) from {pulled})) s on {on}
            where (s._dlt_id is null or {self._difference(table, names, unlike)})"""
        if table.updated:
            sql += f" and not {_is_older(table, moment)}"
        copied = f"copy ({sql}) to {quoted(to)} (format parquet, compression snappy)"
        written: int = self.rows(copied)[0][0]
        return written

    def gone(self, table: Table, parquet: Path) -> int:
        """How many stored rows have a key that no row of `parquet` has."""
        keys = ", ".join(f'"{name}"' for name in table.key)
        found: int = self.rows(
            f"select count(*) from {self.relation(table.name)} "
            f"anti join read_parquet({quoted(parquet)}) using ({keys})"
        )[0][0]
        return found

    def new_keys(self, table: Table, pulled: pa.Table) -> int:
        """How many rows of `pulled` have a key that is not stored."""
        keys = ", ".join(f'"{name}"' for name in table.key)
        stored = self.relation(table.name)
        sql = f"select count(*) n from pulled p anti join {stored} s using ({keys})"
        found: int = self._with_pulled(pulled, sql)["n"][0].as_py()
        return found

    def unknown_keys(self, table: str, column: str, keys: Iterable[str]) -> set[str]:
        """Those of `keys` that no completed row has in `column`."""
        wanted = set(keys)
        found = self.rows(
            f'select "{column}" from {self.relation(table)} where "{column}" in (select unnest(?))',
            list(wanted),
        )
        return wanted - {row[0] for row in found}

    def _with_pulled(self, pulled: pa.Table, sql: str) -> pa.Table:
        with self._lock:
            self._connection.register("pulled", pulled)
            try:
                return self._connection.sql(sql).to_arrow_table()
            finally:
                self._connection.unregister("pulled")

    def _difference(self, table: Table, pulled: Sequence[str], unlike: Sequence[str] = ()) -> str:
        pairs = []
        stored = self._columns(table.name)
        left_out = {*DLT_COLUMNS, *unlike}
        for name in sorted((stored.keys() | set(pulled)) - left_out):
            ours = f'p."{name}"' if name in pulled else "null"
            theirs = f's."{name}"' if name in stored else "null"
            if stored.get(name) == "JSON":
                theirs += "::varchar"
            pairs.append(f"{ours} is distinct from {theirs}")
        return " or ".join(pairs)

    def _columns(self, table: str) -> dict[str, str]:
        return dict(
            self.rows(
                "select column_name, data_type from information_schema.columns "
                "where table_schema = ? and table_name = ? order by ordinal_position",
                self._schema,
                table,
            )
        )


def _is_older(table: Table, moment: datetime) -> str:
    """SQL: the pulled row is older than the stored one, whose date is not one of the future."""
    name = table.updated
    older = f's."{name}" > p."{name}"'
    if table.kinds[name] == "timestamp":
        older += f" and s.\"{name}\" <= '{moment.isoformat()}'::timestamptz"
    return f"coalesce({older}, false)"
