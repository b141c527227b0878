"""Dagster's SQLite storage without a disk flush per event.

A run writes some two thousand events, each as several transactions; flushed one by one they take
longer than the build. In write-ahead mode, which Dagster uses, SQLite stays consistent with
`synchronous=normal` through any crash of a process; a power cut may lose the last events of a run,
which run monitoring then ends. PostgreSQL storage is not touched by this.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine


def flush_rarely() -> None:
    """Make every SQLite connection that this process opens through SQLAlchemy flush rarely."""
    if not event.contains(Engine, "connect", _relax):
        event.listen(Engine, "connect", _relax)


def _relax(connection: Any, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous = normal")
