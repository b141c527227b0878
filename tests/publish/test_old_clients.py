"""BI tools bundle older DuckDB clients; a publication must open in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from publish.publication import publish
from tests.publish.built_warehouse import AS_OF

READ = """
import json, sys
import duckdb
assert duckdb.__version__.startswith("1.4."), duckdb.__version__
config = {"enable_external_access": "false", "lock_configuration": "true"}
with duckdb.connect(sys.argv[1], read_only=True, config=config) as connection:
    print(json.dumps({
        "mrr": float(connection.execute("select sum(mrr) from marts.customer_360").fetchone()[0]),
        "run": connection.execute("select any_value(run_id) from marts.publication").fetchone()[0],
        "comment": connection.execute(
            "select comment from duckdb_columns() where column_name = 'mrr'").fetchone()[0],
    }))
"""


@pytest.fixture(scope="module")
def old_client() -> dict[str, str]:
    """Environment in which Python imports DuckDB 1.4, in a folder that outlives the test run."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "customer-360" / f"duckdb-1.4-py{sys.version_info[0]}{sys.version_info[1]}"
    if not folder.exists():
        made = folder.with_name(f"{folder.name}-{os.getpid()}")
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary"]
        got = subprocess.run(
            [*install, "duckdb", "--target", str(made), "duckdb==1.4.*"],
            capture_output=True,
            text=True,
            check=False,
        )
        if got.returncode:
            pytest.skip(f"no wheel of duckdb 1.4 to be had: {got.stderr.strip()[-300:]}")
        made.rename(folder)
    return {**os.environ, "PYTHONPATH": str(folder)}


def read(file: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", READ, str(file)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_publication_opens_in_duckdb_1_4(
    build: Callable[..., Path], target: Path, old_client: dict[str, str]
) -> None:
    publish(build(), target, run_id="run-1", as_of=AS_OF)
    done = read(target / "c360.duckdb", old_client)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "mrr": 7425,
        "run": "run-1",
        "comment": "Monthly recurring revenue.",
    }


def test_a_file_as_duckdb_2_writes_it_by_default_would_not(
    tmp_path: Path, old_client: dict[str, str]
) -> None:
    duckdb.connect(str(tmp_path / "default.duckdb")).close()
    done = read(tmp_path / "default.duckdb", old_client)
    assert done.returncode != 0
    assert "version" in done.stderr
