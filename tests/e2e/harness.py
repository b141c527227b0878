"""Runs the product as a person does, `python -m orchestration.run`, on a data folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Product:
    """One data folder and one publication, and the commands that act on them."""

    home: Path
    vendors: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def published(self) -> Path:
        return self.home / "published"

    def environment(self, **extra: str) -> dict[str, str]:
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("SOURCES__", "C360_"))},
            **self.vendors,
            # Enough for every path that a run can take.
            "SOURCES__ENABLED": "hubspot,stripe,mixpanel",
            "C360_DATA_DIR": str(self.data),
            "C360_PUBLISH_DIR": str(self.published),
            "DAGSTER_HOME": str(self.data / "dagster"),
            **extra,
        }

    def start(self, **extra: str) -> subprocess.Popen[str]:
        """Start a run in a process group of its own; stdout and stderr come as one text."""
        return subprocess.Popen(
            [sys.executable, "-m", "orchestration.run"],
            cwd=ROOT,
            env=self.environment(**extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, **extra: str) -> tuple[int, str]:
        """Run to the end; exit code and everything printed."""
        process = self.start(**extra)
        output, _ = process.communicate(timeout=280)
        return process.returncode, output

    def read(self, query: str) -> list[tuple]:
        """Ask the publication."""
        with duckdb.connect(self.published / "c360.duckdb", read_only=True) as published:
            return published.sql(query).fetchall()

    def raw(self, source: str, query: str) -> list[tuple]:
        """Ask a source's raw file."""
        path = self.data / "raw" / f"raw_{source}.duckdb"
        with duckdb.connect() as raw:
            raw.execute(f"attach '{path}' as opened (read_only)")
            raw.execute("use opened")
            return raw.sql(query).fetchall()

    def marts(self) -> dict[str, list[tuple]]:
        """Every published mart whole, rows in a fixed order, without the columns that say when."""
        tables = self.read(
            "select table_name from duckdb_tables()"
            " where schema_name = 'marts' and table_name <> 'publication'"
        )
        return {
            table: self.read(f"select {self._stable(table)} from marts.{table} order by all")
            for (table,) in sorted(tables)
        }

    def _stable(self, table: str) -> str:
        columns = self.read(
            "select column_name from duckdb_columns() where schema_name = 'marts'"
            f" and table_name = '{table}' order by column_index"
        )
        clocked = ("pulled_at", "_age_hours", "loaded_at", "made_at", "_late_at", "_stale_at")
        return ", ".join(f'"{c}"' for (c,) in columns if not c.endswith(clocked))


def kill_everything(process: subprocess.Popen[str]) -> None:
    """kill -9 of the run and of every process it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
