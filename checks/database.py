"""The one way in which checks open a DuckDB file: to read, with patience, and never for long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb


@contextmanager
def read_only(database: Path, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection in UTC, closed on the way out.

    A file that another process is writing is tried again until `wait_seconds` have passed. Raises
    duckdb.Error with DuckDB's own words when it cannot be opened: absent, damaged, still locked, or
    held by this very process with write access.
    """
    connection = _open(database, time.monotonic() + wait_seconds)
    try:
        connection.execute("set TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def _open(database: Path, deadline: float) -> duckdb.DuckDBPyConnection:
    while True:
        try:
            return _attached(database)
        except duckdb.IOException as error:
            if "Could not set lock" not in str(error) or time.monotonic() >= deadline:
                raise
        time.sleep(0.2)


def _attached(database: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    path = str(database).replace("'", "''")
    try:
        # Opened directly, raw_hubspot.duckdb is a catalog raw_hubspot that holds a schema
        # raw_hubspot, and DuckDB refuses the name raw_hubspot.deals as ambiguous.
        connection.execute(f"attach '{path}' as checked (read_only)")
        connection.execute("use checked")
    except duckdb.Error:
        connection.close()
        raise
    return connection
