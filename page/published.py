"""One publication, pinned: every answer comes from it, or is refused because a newer one is there.

The only module of the page that asks for data, through `publish.reader`: one connection per query,
answers kept per publication.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import streamlit as st

from page.expected import EXPECTED
from publish import reader


class Replaced(RuntimeError):
    """A newer publication is there: what was shown so far must be shown anew."""


class Unreadable(RuntimeError):
    """The publication cannot be read, or not answered from. The message is DuckDB's."""


class Lacking(LookupError):
    """A mart, or the column without which it is of no use, is not in the publication."""

    def __init__(self, mart: str) -> None:
        super().__init__(mart)
        self.mart = mart


@dataclass(frozen=True)
class Published:
    """What readers get now: what it says of itself, and the columns of each mart."""

    folder: Path
    said: reader.Publication
    columns: Mapping[str, frozenset[str]]

    @property
    def version(self) -> str:
        """Names this publication among all others, also after the folder was emptied."""
        return _version(self.said.path.name, self.said.run_id, self.said.published_at)

    def table(self, mart: str, *more: str) -> str:
        """SQL of the mart with exactly the columns that the page expects, and `more` that must be
        there. Raises Lacking when it cannot be read at all.
        """
        wanted, there = EXPECTED[mart], self.columns.get(mart, frozenset())
        if next(iter(wanted)) not in there or set(more) - there:
            raise Lacking(mart)
        chosen = [
            f"try_cast({name if name in there else 'null'} as {type_}) as {name}"
            for name, type_ in wanted.items()
        ]
        chosen += [f"{quoted(name)} as {quoted('also ' + name)}" for name in more]
        return f"(select {', '.join(chosen)} from marts.{mart})"

    def missing(self) -> list[str]:
        """Marts and columns that the page knows and the publication does not have."""
        gone = []
        for mart, wanted in EXPECTED.items():
            there = self.columns.get(mart, frozenset())
            gone += [f"{mart}.{name}" for name in wanted if name not in there] if there else [mart]
        return gone

    def ages_of_marts(self) -> pd.DataFrame:
        """When the data of each mart turn late, and because of which source; empty when nobody
        wrote that down, as where only part of the graph was run.
        """
        if "asset_freshness" not in self.columns:
            return pd.DataFrame()
        return self.ask(
            "select asset_key, data_source, data_late_at from marts.asset_freshness"
            " where layer = 'marts' and data_late_at is not null order by asset_key"
        )

    def ask(self, sql: str, **parameters: Any) -> pd.DataFrame:
        """The answer, kept for as long as this publication is the newest."""
        return _kept(self.version, self.folder, sql, parameters)

    def ask_once(self, sql: str, **parameters: Any) -> pd.DataFrame:
        """The answer, not kept: for what is large and asked for seldom."""
        return _answer(self.version, self.folder, sql, parameters)


def newest(folder: Path) -> Published:
    """The publication that readers get now.

    Raises NoPublication when there is none, and Unreadable when it is no publication.
    """
    try:
        said = reader.publication(folder)
        columns = _columns(_version(said.path.name, said.run_id, said.published_at), folder)
    except (duckdb.Error, IndexError) as error:
        raise Unreadable(str(error)) from error
    return Published(folder=folder, said=said, columns=columns)


def quoted(name: str) -> str:
    """The name as an identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


@st.cache_data(show_spinner=False, max_entries=8)
def _columns(version: str, folder: Path) -> dict[str, frozenset[str]]:
    found = _answer(
        version,
        folder,
        "select table_name, list(column_name) as names from duckdb_columns()"
        " where schema_name = 'marts' group by 1",
        {},
    )
    return dict(zip(found.table_name, map(frozenset, found.names), strict=True))


@st.cache_data(show_spinner=False, max_entries=1000, max_size="200MB")
def _kept(version: str, folder: Path, sql: str, parameters: dict[str, Any]) -> pd.DataFrame:
    return _answer(version, folder, sql, parameters)


def _answer(version: str, folder: Path, sql: str, parameters: dict[str, Any]) -> pd.DataFrame:
    try:
        with reader.connect(folder) as connection:
            # In the connection that answers: a new publication may come between two queries.
            name, run_id, published_at = connection.execute(
                "select parse_filename(path), run_id, published_at"
                " from duckdb_databases(), (select * from marts.publication limit 1)"
                " where database_name = current_database()"
            ).fetchall()[0]
            if _version(name, run_id, published_at) != version:
                raise Replaced
            return connection.execute(sql, parameters).df()
    except reader.NoPublication as error:
        raise Replaced from error
    except duckdb.Error as error:
        raise Unreadable(str(error)) from error


def _version(name: str, run_id: str, published_at: datetime) -> str:
    return f"{name} {run_id} {published_at.replace(tzinfo=None).isoformat()}"
