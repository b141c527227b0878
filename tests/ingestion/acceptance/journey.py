"""One source through the days: a world, the folders it is pulled into, and what came of it."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion import http, pipeline, settings
from ingestion.pipeline import PullResult
from ingestion.tables import PULLS
from sandbox import Sandbox
from tests.ingestion.acceptance import Stands, adapter
from tests.ingestion.support import BOOKKEEPING, unpaced

Contents = dict[str, Counter[tuple[Any, ...]]]


class Journey:
    """Pulls `source` from `box` into folders below `home`, by name."""

    def __init__(self, source: str, box: Sandbox, home: Path) -> None:
        self.source, self.box = source, box
        self.adapter = adapter(source)
        self._home = home

    def setting(self, name: str, default: Any) -> Any:
        """An optional setting of the adapter."""
        return getattr(self.adapter, name, default)

    @contextmanager
    def inside(self, folder: str) -> Iterator[pytest.MonkeyPatch]:
        """The environment of a pull into `folder`, with waits that take no time."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("C360_DATA_DIR", str(self._home / folder))
            patch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "0.0005")
            patch.setattr(http.Pace, "wait", unpaced)
            for name, value in self.box.environment().items():
                patch.setenv(name, value)
            yield patch

    def pull(self, folder: str) -> PullResult:
        """Pulls once."""
        with self.inside(folder):
            return pipeline.pull(self.source)

    def copy(self, folder: str, to: str) -> None:
        """Makes `to` from what `folder` is by now."""
        shutil.copytree(self._home / folder, self._home / to)

    @contextmanager
    def raw(self, folder: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to the raw file, for reading."""
        with self.inside(folder):
            path = settings.raw_database(self.source)
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.execute(f"use raw_{self.source}.raw_{self.source}")
            connection.execute("set TimeZone = 'UTC'")
            yield connection

    def execute(self, folder: str, *statements: str) -> None:
        """Changes the raw file behind the back of the source."""
        with self.inside(folder):
            path = settings.raw_database(self.source)
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"use raw_{self.source}.raw_{self.source}")
            for statement in statements:
                connection.execute(statement)

    def contents(self, folder: str) -> Contents:
        """Every row of every table, without what tells only when a pull noticed it."""
        left_out = {*BOOKKEEPING, "seen_at", *self.setting("NOTICED", ())}
        found: Contents = {}
        with self.raw(folder) as connection:
            for table in pipeline.table_names(self.source):
                if table == PULLS.name:
                    continue
                rows = connection.execute(f"select * from {table}")
                names = [column[0] for column in rows.description]
                kept = [place for place, name in enumerate(names) if name not in left_out]
                found[table] = Counter(
                    tuple(
                        (names[place], repr(row[place])) for place in kept if row[place] is not None
                    )
                    for row in rows.fetchall()
                )
        return found

    def holds(self, folder: str, what: Stands) -> list[str]:
        """What is not in raw as it must be, in words; nothing when all of it is."""
        with self.raw(folder) as connection:
            rows = connection.execute(f"select * from {what.table} where {what.where}")
            names = [column[0] for column in rows.description]
            found = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
        wrong = [
            f"{name} is {row.get(name)!r}, not {value!r}"
            for row in found
            for name, value in what.values.items()
            if row.get(name) != value
        ]
        many = [] if len(found) == what.rows else [f"{len(found)} rows, not {what.rows}"]
        return [f"{what.table} where {what.where}: {words}" for words in many + wrong]


def difference(one: Contents, other: Contents) -> dict[str, Any]:
    """The tables that differ, with up to two rows that only one of the two has."""
    return {
        table: (
            list((one.get(table, Counter()) - other.get(table, Counter())).items())[:2],
            list((other.get(table, Counter()) - one.get(table, Counter())).items())[:2],
        )
        for table in sorted(one.keys() | other.keys())
        if one.get(table) != other.get(table)
    }
