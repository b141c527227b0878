"""dbt-duckdb plugin: every raw file of the data directory is attached, read-only.

A source's file `raw_<source>.duckdb` becomes database `src_<source>`: the alias must differ from
the schema `raw_<source>` inside, or two-part names would be ambiguous. New sources need no change
here or in profiles.yml.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

PATTERN = re.compile(r"^raw_([a-z][a-z0-9_]*)\.duckdb$")
ATTEMPTS = 6


class Plugin(BasePlugin):
    """Attaches the raw files when dbt opens the warehouse."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        self._raw_dir = Path(plugin_config["raw_dir"]).resolve()

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Attach one database per raw file; waits up to half a minute for a pull to finish.

        Raises duckdb.IOException when a file stays locked or cannot be read.
        """
        for path in sorted(self._raw_dir.glob("raw_*.duckdb")):
            match = PATTERN.match(path.name)
            if match:
                self._attach(conn, path, f"src_{match.group(1)}")

    def _attach(self, conn: duckdb.DuckDBPyConnection, path: Path, alias: str) -> None:
        quoted = str(path).replace("'", "''")
        for attempt in range(ATTEMPTS):
            try:
                conn.execute(f"attach if not exists '{quoted}' as {alias} (read_only)")
                return
            except duckdb.IOException:
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(2**attempt)
