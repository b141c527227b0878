"""What the tests of this folder share: a small world, and looking into raw files."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import duckdb

from ingestion import http, settings
from ingestion.sql import quoted
from sandbox import Sandbox
from sandbox.limits import Limits

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SOURCES = ("hubspot", "stripe", "mixpanel")
# dlt gives these anew on each load; whether a table is the same does not depend on them.
BOOKKEEPING = ("_dlt_load_id", "_dlt_id")
# What a pace does when no test has put `unpaced` in its place.
PACED = http.Pace.wait


def unpaced(pace: http.Pace) -> None:
    """A pace that lets every call pass at once: the sandbox of a test has no limits."""


def small_world(**more: Any) -> Sandbox:
    """Twenty-odd companies over three months, the same ones each time."""
    unlimited = Limits(None, None, None, None, None, None, None)
    return Sandbox(**{"companies": 25, "months": 3, "now": NOW, "limits": unlimited, **more})


def query(source: str, sql: str) -> list[tuple[Any, ...]]:
    """The result of `sql` over the raw file of `source`; its tables stand in `raw`."""
    with duckdb.connect() as connection:
        connection.execute(f"attach {quoted(settings.raw_database(source))} as f (read_only)")
        connection.execute(f"use f.raw_{source}")
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(sql).fetchall()


def rows(source: str, table: str, where: str = "true") -> list[dict[str, Any]]:
    """Rows of a raw table, without what dlt adds."""
    names = [row[0] for row in query(source, f"describe {table}") if row[0] not in BOOKKEEPING]
    listed = ", ".join(f'"{name}"' for name in names)
    found = query(source, f"select {listed} from {table} where {where} order by all")
    return [dict(zip(names, row, strict=True)) for row in found]


def contents(source: str) -> dict[str, Counter[tuple[Any, ...]]]:
    """Every row of every table of a raw file, but for what dlt adds and the log of pulls."""
    tables = [
        row[0]
        for row in query(
            source,
            "select table_name from duckdb_tables() where database_name = 'f' "
            f"and schema_name = 'raw_{source}' and table_name not like '\\_dlt%' escape '\\'",
        )
    ]
    return {
        table: Counter(
            tuple(sorted((name, repr(value)) for name, value in row.items() if value is not None))
            for row in rows(source, table)
        )
        for table in tables
        if table != "pulls"
    }
