"""The raw file of one source as a dlt destination."""

from pathlib import Path

import duckdb
from dlt.common.destination.capabilities import DestinationCapabilitiesContext
from dlt.common.destination.client import LoadJob, PreparedTableSchema
from dlt.common.schema import Schema
from dlt.common.schema.typing import TColumnSchema
from dlt.destinations import duckdb as duckdb_destination
from dlt.destinations.impl.duckdb.configuration import DuckDbClientConfiguration, DuckDbCredentials
from dlt.destinations.impl.duckdb.duck import DuckDbClient, DuckDbCopyJob
from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient

from ingestion.sql import quoted
from ingestion.tables import COMPRESSION

# Clients of DuckDB 1.4 and 1.5 cannot read what 2.0 writes by default.
STORAGE_VERSION = "v1.4.0"
# The order of rows means nothing in a table, and keeping it costs memory.
LOADING = {"memory_limit": "1GB", "preserve_insertion_order": "false"}


class _RawSqlClient(DuckDbSqlClient):
    """Names tables in three parts: `raw_x.duckdb` is a database raw_x with a schema raw_x in it,
    and DuckDB refuses to guess which of the two a name in two parts begins with."""

    def catalog_name(self, quote: bool = True, casefold: bool = True) -> str:
        name = Path(str(self.credentials.database)).stem
        return self.capabilities.escape_identifier(name) if quote else name


class _CopyJob(DuckDbCopyJob):
    """Copies a file whose path may have an apostrophe in it, which dlt would take for its end."""

    def run(self) -> None:
        path = self._file_path
        self._file_path = path.replace("'", "''")
        try:
            super().run()
        finally:
            self._file_path = path


class _RawClient(DuckDbClient):
    def __init__(
        self,
        schema: Schema,
        config: DuckDbClientConfiguration,
        capabilities: DestinationCapabilitiesContext,
    ) -> None:
        super().__init__(schema, config, capabilities)
        names = self.create_dataset_names(schema, config)
        self.sql_client = _RawSqlClient(*names, config.credentials, capabilities)

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        job = super().create_load_job(table, file_path, load_id, restore)
        return _CopyJob(file_path) if isinstance(job, DuckDbCopyJob) else job

    def _get_column_def_sql(
        self, column: TColumnSchema, table: PreparedTableSchema | None = None
    ) -> str:
        sql = super()._get_column_def_sql(column, table)  # type: ignore[arg-type]
        compression = column.get(COMPRESSION)
        return f"{sql} USING COMPRESSION {compression}" if compression else sql


class RawFile(duckdb_destination):
    """A DuckDB file that every client since 1.4 can read. Made, empty, when it is not there."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with duckdb.connect() as connection:
                attached = f"attach {quoted(path)} as raw (storage_version '{STORAGE_VERSION}')"
                connection.execute(attached)
        super().__init__(
            DuckDbCredentials(str(path), global_config=LOADING), destination_name="raw_file"
        )

    @property
    def client_class(self) -> type[DuckDbClient]:
        return _RawClient
