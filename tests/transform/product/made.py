"""Builds a few models on tables made in Python, in place of everything that comes before them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pandas as pd

from tests.transform.raw import write_raw
from tests.transform.warehouse import DEFAULT_SOURCES, Dbt, connect


def build_on(
    dbt: Dbt, data_dir: Path, made: Mapping[str, pd.DataFrame], select: str, as_of: str
) -> duckdb.DuckDBPyConnection:
    """Return a connection to a warehouse with the `made` intermediate tables and the models built.

    `made` names tables of schema intermediate; columns with dates hold datetime.date. Raises
    AssertionError naming what failed.
    """
    write_raw(data_dir, {}, sources=DEFAULT_SOURCES)
    with duckdb.connect(str(data_dir / "warehouse.duckdb")) as con:
        con.execute("create schema if not exists intermediate")
        for name, frame in made.items():
            con.register("frame", frame)
            con.execute(f"create or replace table intermediate.{name} as from frame")
            con.unregister("frame")
    dbt.build(data_dir, as_of=as_of, select=select, data_tests=False)
    return connect(data_dir)
