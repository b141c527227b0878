"""Tables that satisfy a contract's schema check, made from the contract itself."""

from __future__ import annotations

from pathlib import Path

import duckdb
from ruamel.yaml import YAML


def create(connection: duckdb.DuckDBPyConnection, contract: Path) -> str:
    """Create the empty table that the contract is about; its name with schema."""
    document = YAML(typ="safe").load(contract)
    _, schema, table = document["dataset"].split("/")
    # Columns without a type are nested values, which a source may hold as JSON or as text.
    columns = ", ".join(f'"{c["name"]}" {c.get("data_type", "json")}' for c in document["columns"])
    connection.execute(f'create schema if not exists "{schema}"')
    connection.execute(f'create table "{schema}"."{table}" ({columns})')
    return f"{schema}.{table}"
