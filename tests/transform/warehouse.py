"""Runs the dbt project in this process, against a data directory of a test."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from .raw import TRANSFORM

DEFAULT_AS_OF = "2026-11-01T00:00:00Z"
# A CRM, billing and a product: fewer than the project's own, which makes each build cheaper.
DEFAULT_SOURCES = ("hubspot", "stripe", "mixpanel")


class Dbt:
    """Runs dbt in `work_dir`; parses once per set of vars, into `parsed_dir`, which all who test at
    the same time may share."""

    def __init__(self, work_dir: Path, parsed_dir: Path) -> None:
        self._work_dir = work_dir
        self._parsed_dir = parsed_dir
        self._manifests: dict[str, Manifest] = {}

    def build(
        self,
        data_dir: Path,
        as_of: str = DEFAULT_AS_OF,
        sources: Sequence[str] = DEFAULT_SOURCES,
        select: str | None = None,
        exclude: str | None = None,
        full_refresh: bool = False,
        empty: bool = False,
        variables: Mapping[str, Any] | None = None,
        data_tests: bool = True,
        parsed_with: Sequence[str] | None = None,
        parsed_as: Mapping[str, Any] | None = None,
    ) -> None:
        """Run `dbt build`. Raises AssertionError naming what failed.

        `sources` are those switched on, `select` and `exclude` are
        dbt selectors, `variables` further dbt vars. Without `data_tests` only seeds, models and
        snapshots are built, in a fraction of the time. `parsed_with` saves parsing the project for
        each set of sources: it is parsed once with these on, and the staging of all that are not in
        `sources` is left out. `parsed_as` saves it for other variables: those named there replace
        the given ones when it is parsed, for variables whose values only matter when it runs; None
        leaves it out.
        """
        given = dict(variables or {}) | {"sources": list(sources)}
        args = ["build", "--vars", json.dumps(given), *self._common(self._work_dir / "target")]
        # Of a partial build only the tests whose models are all there can run.
        args += ["--indirect-selection", "buildable"] if select or exclude else []
        args += ["--select", *select.split()] if select else []
        left_out = exclude.split() if exclude else []
        if parsed_with:
            off = set(parsed_with) - set(sources)
            left_out += [f"path:models/staging/{source}" for source in sorted(off)]
        args += ["--exclude", *left_out] if left_out else []
        args += ["--full-refresh"] if full_refresh else []
        args += ["--empty"] if empty else []
        args += [] if data_tests else ["--exclude-resource-type", "test", "unit_test"]
        with _environment(C360_DATA_DIR=str(data_dir), C360_AS_OF=as_of):
            parsed = given | {"sources": list(parsed_with)} if parsed_with else given
            parsed = {k: v for k, v in (parsed | dict(parsed_as or {})).items() if v is not None}
            result = dbtRunner(manifest=self._manifest(parsed)).invoke(args)
        close_warehouse()
        assert result.success, failures(result)

    def _manifest(self, given: Mapping[str, Any]) -> Manifest:
        key = json.dumps(given, sort_keys=True)
        if key not in self._manifests:
            # One folder for all who test at the same time: whoever is second finds the project
            # parsed. A parse does not depend on the data folder, but dbt would think that it did.
            folder = self._parsed_dir / hashlib.sha256(key.encode()).hexdigest()[:16]
            folder.mkdir(parents=True, exist_ok=True)
            args = ["parse", "--vars", key, *self._common(folder)]
            with _environment(C360_DATA_DIR=str(folder), C360_AS_OF=DEFAULT_AS_OF), _alone(folder):
                result = dbtRunner().invoke(args)
            assert isinstance(result.result, Manifest), failures(result)
            self._manifests[key] = result.result
        return self._manifests[key]

    def _common(self, target: Path) -> list[str]:
        return [
            *("--project-dir", str(TRANSFORM), "--profiles-dir", str(TRANSFORM)),
            *("--target-path", str(target)),
            *("--log-path", str(self._work_dir / "logs"), "--log-level", "none"),
        ]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep every other process that asks for this folder waiting."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def failures(result: dbtRunnerResult) -> str:
    """The nodes that failed, with dbt's messages, one per line."""
    if result.exception:
        return str(result.exception)
    bad = [r for r in getattr(result.result, "results", []) if r.status in ("error", "fail")]
    return "\n".join(f"{r.node.unique_id}: {r.message}" for r in bad)


def close_warehouse() -> None:
    """Let go of the warehouse and raw files, which dbt-duckdb keeps open after a command."""
    with DuckDBConnectionManager._LOCK:
        if DuckDBConnectionManager._ENV:
            DuckDBConnectionManager._ENV.close()
            DuckDBConnectionManager._ENV = None


def connect(data_dir: Path) -> duckdb.DuckDBPyConnection:
    """Read-only connection to the warehouse of a data directory; close it before the next build.

    The raw files are attached as dbt does, so that views on them can be read.
    """
    con = duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True)
    con.execute("set timezone = 'UTC'")
    for path in (data_dir / "raw").glob("raw_*.duckdb"):
        con.execute(f"attach '{path}' as src_{path.stem.removeprefix('raw_')} (read_only)")
    return con


@contextmanager
def _environment(**values: str) -> Any:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
