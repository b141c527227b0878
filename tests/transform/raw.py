"""Raw files written from plain Python records, with the columns that the dbt sources declare."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

TRANSFORM = Path(__file__).resolve().parents[2] / "transform"

Rows = Sequence[Mapping[str, Any]]
RawData = Mapping[str, Mapping[str, Rows]]

FIRST_LOAD = "1700000000.0"


@cache
def declared_tables(source: str) -> dict[str, dict[str, str]]:
    """Column name -> DuckDB type for each table that the dbt source raw_<source> declares."""
    path = TRANSFORM / "models" / "staging" / source / f"_{source}__sources.yml"
    (declared,) = yaml.safe_load(path.read_text())["sources"]
    return {
        table["name"]: {column["name"]: column["data_type"] for column in table["columns"]}
        for table in declared["tables"]
    }


def known_sources() -> list[str]:
    """Every source that has a staging folder."""
    return sorted(path.name for path in (TRANSFORM / "models" / "staging").iterdir())


def epoch(moment: str) -> int:
    """Seconds since 1970 of an ISO moment; without an offset it is UTC."""
    parsed = datetime.fromisoformat(moment)
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp())


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "json" and not isinstance(value, str):
        return json.dumps(value)
    if kind == "bigint" and isinstance(value, str):
        return epoch(value)
    return value


def write_raw(
    data_dir: Path,
    raw: RawData,
    sources: Sequence[str] | None = None,
    load_id: str = FIRST_LOAD,
    replace: bool = True,
) -> None:
    """Write raw_<source>.duckdb for each source; tables that `raw` leaves out exist, empty.

    Values: JSON columns take Python objects or JSON text, timestamps ISO text, BIGINT columns
    also ISO text, which becomes epoch seconds. Missing columns are NULL. With replace=False rows
    are added to what is there, as one more load. Raises KeyError for a column that no source
    declares.
    """
    (data_dir / "raw").mkdir(parents=True, exist_ok=True)
    for source in sources if sources is not None else known_sources():
        path = data_dir / "raw" / f"raw_{source}.duckdb"
        if replace:
            path.unlink(missing_ok=True)
        with duckdb.connect(str(path)) as con:
            con.execute("set timezone = 'UTC'")
            # The catalog is named after the file, hence like the schema: name both.
            schema = f"raw_{source}.raw_{source}"
            con.execute(f"create schema if not exists {schema}")
            given = dict(raw.get(source, {}))
            given.setdefault("_dlt_loads", [{"load_id": load_id, "status": 0}])
            for table, columns in declared_tables(source).items():
                body = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
                con.execute(f'create table if not exists {schema}."{table}" ({body})')
                _insert(con, f'{schema}."{table}"', columns, given.pop(table, ()), load_id)
            if given:
                raise KeyError(f"raw_{source} declares no table {sorted(given)}")


def _insert(
    con: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, str],
    rows: Rows,
    load_id: str,
) -> None:
    for row in rows:
        unknown = set(row) - set(columns)
        if unknown:
            raise KeyError(f"{table} declares no column {sorted(unknown)}")
    if not rows:
        return
    marks = ", ".join(f"cast(? as {kind})" for kind in columns.values())
    con.executemany(
        f"insert into {table} values ({marks})",
        [
            [
                _value(row.get(name, load_id if name == "_dlt_load_id" else None), kind)
                for name, kind in columns.items()
            ]
            for row in rows
        ],
    )
