"""Dagster's SQLite event log without a flush, a connection and a checkpoint per event.

A run writes some three thousand events, each in several transactions. Dagster opens and closes the
file for every one of them, and SQLite flushes at every commit and folds its write-ahead file back
whenever the last connection closes: together longer than the build. Here a process keeps the files
that it writes open, and flushes them rarely. SQLite stays consistent with `synchronous=normal`
through any crash of a process; a power cut may lose the last events of a run, which run monitoring
then ends. PostgreSQL storage is not touched by this.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine

# The index of all runs, the run under way, and a few that somebody looks at.
_FILES_KEPT_OPEN = 4

_open: OrderedDict[str, Engine] = OrderedDict()


def write_quickly() -> None:
    """Make this process write Dagster's event log as said above. Needed once, harmless twice."""
    if not event.contains(Engine, "connect", _relax):
        event.listen(Engine, "connect", _relax)
        # A private method, held by tests/orchestration/test_storage.py; a class of our own, named
        # in dagster.yaml, would bind every process that only reads the log to this project's path.
        SqliteEventLogStorage._connect = _connect  # type: ignore[assignment, method-assign]


def _relax(connection: Any, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous = normal")


@contextmanager
def _connect(log: SqliteEventLogStorage, shard: str) -> Iterator[Connection]:
    """One transaction on one file of the log; like the method it replaces, never nested."""
    with log._db_lock:
        engine = _engine(log.conn_string_for_shard(shard))
        if shard not in log._initialized_dbs:
            log._initdb(engine)
            log._initialized_dbs.add(shard)
        with engine.begin() as connection:
            yield connection


def _engine(address: str) -> Engine:
    if address not in _open:
        _open[address] = create_engine(
            address, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
        )
    _open.move_to_end(address)
    while len(_open) > _FILES_KEPT_OPEN:
        _open.popitem(last=False)[1].dispose()
    return _open[address]
