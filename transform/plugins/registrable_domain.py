"""dbt-duckdb plugin: `registrable_domain(host)` in SQL, by the public-suffix list.

The list is read when the first host is asked for, not when dbt starts.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin


@lru_cache(maxsize=1)
def _suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def registrable_domain(host: str | None) -> str | None:
    """The part of a lower-case host that one party registered; None when nobody could.

    'mail.acme.co.uk' gives 'acme.co.uk', 'co.uk' and '10.0.0.1' give None. Hosts under one suffix
    that belong to different people ('acme.github.io') stay apart.
    """
    if host is None or host.rpartition(".")[2].isdigit():
        return None
    found = _suffixes().privatesuffix(host)
    return None if found is None else str(found)


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the function known to a connection and every cursor of it."""
    connection.create_function(
        "registrable_domain",
        registrable_domain,
        ["VARCHAR"],
        "VARCHAR",
        null_handling="special",
    )


class Plugin(BasePlugin):
    """Registers the function when dbt opens the warehouse."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Register on the connection that every cursor of dbt is made from."""
        register(conn)
