"""Fixtures shared by the tests of the dbt project."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"

from .raw import RawData, write_raw
from .warehouse import Dbt, connect

BuildWarehouse = Callable[..., duckdb.DuckDBPyConnection]


@pytest.fixture(scope="session")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """The dbt runner; `dbt.build(data_dir, ...)`."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return Dbt(tmp_path_factory.mktemp("dbt"), shared / "parsed")


@pytest.fixture(scope="session")
def build_warehouse(dbt: Dbt) -> BuildWarehouse:
    """`build_warehouse(data_dir, raw, as_of=..., select=...)`: raw records in, connection out.

    Writes the raw files, runs dbt (options as of Dbt.build) and returns a read-only connection to
    the warehouse. A build costs seconds: put many cases into one, in a module-scoped fixture.
    """

    def build(data_dir: Path, raw: RawData, **options: Any) -> duckdb.DuckDBPyConnection:
        write_raw(data_dir, raw)
        dbt.build(data_dir, **options)
        return connect(data_dir)

    return build
