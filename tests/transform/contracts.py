"""The marts as their contracts declare them: what a publication looks like without building one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb
import yaml

from .raw import TRANSFORM

MARTS = {path.stem: path for path in (TRANSFORM / "models" / "marts").rglob("*.yml")}


def contract(mart: str) -> dict[str, Any]:
    """The mart as its yml describes it."""
    (model,) = yaml.safe_load(MARTS[mart].read_text())["models"]
    return model


def withheld(mart: str) -> list[str]:
    """Columns with personal data that are not published."""
    tags = {c["name"]: c.get("config", {}).get("meta", {}) for c in contract(mart)["columns"]}
    return [name for name, meta in tags.items() if "pii" in meta and not meta.get("published")]


def create_marts(connection: duckdb.DuckDBPyConnection, marts: Iterable[str]) -> None:
    """Create these marts, and the one without which nothing is published, empty."""
    connection.execute("create schema marts")
    for mart in sorted({*marts, "source_freshness"}):
        columns = ", ".join(f"{c['name']} {c['data_type']}" for c in contract(mart)["columns"])
        connection.execute(f"create table marts.{mart} ({columns})")
