"""Copies the newest publication into an empty schema of a PostgreSQL, through dlt.

The only module of this folder that knows dlt, which makes the tables with their types and fills
them by COPY. It loads as fast as PostgreSQL takes it; what readers see comes later, elsewhere.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt.common.destination.client import LoadJob, PreparedTableSchema
from dlt.common.exceptions import DltException
from dlt.common.storages.file_storage import FileStorage
from dlt.destinations import postgres as postgres_destination
from dlt.destinations.impl.postgres.configuration import PostgresCredentials
from dlt.destinations.impl.postgres.postgres import PostgresClient, PostgresCsvCopyJob

from publish.copying import SCHEMA
from publish.folder import PublishError

# Where dlt finds .dlt/config.toml: no telemetry, and nothing of a record in a log.
os.environ.setdefault("DLT_PROJECT_DIR", str(Path(__file__).resolve().parents[1]))

# Rows that are held in memory at a time.
BATCH = 50_000

# Types that mean the same on both sides; everything else travels as text.
_SAME = ("BIGINT", "BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "FLOAT", "INTEGER", "SMALLINT")


class _ExactCopyJob(PostgresCsvCopyJob):
    """COPY that keeps an empty text an empty text; dlt's own makes it NULL."""

    def run(self) -> None:
        sql_client = self._job_client.sql_client
        with FileStorage.open_zipsafe_ro(self._file_path, "rb") as file:
            # Names come from a publication, and are quoted by dlt.
            header = file.readline().decode().strip()
            table = sql_client.make_qualified_table_name(self.load_table_name)
            copy = f"COPY {table} ({header}) FROM STDIN WITH (FORMAT csv, ENCODING 'utf-8')"
            with sql_client.begin_transaction(), sql_client.native_connection.cursor() as cursor:
                cursor.copy_expert(copy, file)


class _Client(PostgresClient):
    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        job = super().create_load_job(table, file_path, load_id, restore)
        return _ExactCopyJob(file_path) if isinstance(job, PostgresCsvCopyJob) else job


class _Postgres(postgres_destination):
    @property
    def client_class(self) -> type[PostgresClient]:
        return _Client


def load(published: duckdb.DuckDBPyConnection, connection: Any, schema: str) -> None:
    """Copy every published table into `schema`, which exists and is empty, of the PostgreSQL that
    the psycopg2 `connection` leads to. Decimals stay decimals; timestamps, which a publication
    holds in UTC without saying so, become timestamptz.

    Leaves dlt's own tables beside them. Raises PublishError.
    """
    with tempfile.TemporaryDirectory(prefix="c360-postgres-") as working_folder:
        pipeline = dlt.pipeline(
            "c360_postgres",
            pipelines_dir=working_folder,
            destination=_Postgres(credentials=_credentials(connection), destination_name="bi"),
            dataset_name=schema,
        )
        tables = [_resource(published.cursor(), table) for table in _tables(published)]
        try:
            pipeline.run(tables, loader_file_format="csv")
        except DltException as error:
            # Several wrap what PostgreSQL has said; the innermost says it best.
            cause: BaseException = error
            while cause.__cause__ is not None:
                cause = cause.__cause__
            raise PublishError(f"loading into PostgreSQL failed: {str(cause).strip()}") from error


def _credentials(connection: Any) -> PostgresCredentials:
    """How libpq has connected, password and all, in dlt's words."""
    said = connection.info.dsn_parameters
    apart = ("user", "dbname", "host", "port", "options", "application_name")
    host = connection.info.host
    credentials = PostgresCredentials()
    credentials.username = connection.info.user
    # dlt insists on one, also where none is asked for.
    credentials.password = connection.info.password or "none"
    credentials.database = connection.info.dbname
    # The folder of a socket is no host of a URL.
    credentials.host = "localhost" if host.startswith("/") else host
    credentials.port = connection.info.port
    credentials.query = {key: value for key, value in said.items() if key not in apart}
    if host.startswith("/"):
        credentials.query["host"] = host
    return credentials


def _tables(published: duckdb.DuckDBPyConnection) -> list[str]:
    found = published.execute(
        "select table_name from duckdb_tables() where schema_name = ? order by 1", [SCHEMA]
    ).fetchall()
    return [name for (name,) in found]


def _resource(published: duckdb.DuckDBPyConnection, table: str) -> Any:
    def batches() -> Iterator[Any]:
        columns = published.execute(
            "select column_name, data_type from duckdb_columns()"
            " where schema_name = ? and table_name = ? order by column_index",
            [SCHEMA, table],
        ).fetchall()
        chosen = ", ".join(f"{_as_sent(name, kind)} as {_name(name)}" for name, kind in columns)
        rows = published.sql(f"select {chosen} from {SCHEMA}.{_name(table)}")
        reader = rows.to_arrow_reader(BATCH)
        # A table without rows has columns all the same.
        yield reader.schema.empty_table()
        yield from reader

    return dlt.resource(batches, name=table, write_disposition="append")


def _as_sent(column: str, kind: str) -> str:
    name = _name(column)
    if kind == "TIMESTAMP WITH TIME ZONE" or kind.split("(")[0] in _SAME:
        return name
    if kind.startswith("TIMESTAMP"):
        return f"cast({name} as timestamp) at time zone 'UTC'"
    # PostgreSQL holds no character zero.
    return f"replace(cast({name} as varchar), chr(0), '')"


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
