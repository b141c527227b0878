"""Pulling one source into its raw file: what happens, in which order, and what is promised.

A pull either adds everything it brought or changes nothing that can be read through completed
loads. Killed at any point, it is finished or undone by the next one. How far a source has been
pulled is read from its raw file, never from dlt's working folder, so that folder may be lost.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt.common.schema.utils import new_table
from dlt.extract import DltSource

from ingestion import recovery, settings
from ingestion.destination import RawFile
from ingestion.errors import PullError
from ingestion.locks import only_one, wait_until_writable
from ingestion.problems import as_pull_error
from ingestion.pull import Pull
from ingestion.sources import module
from ingestion.stored import Stored
from ingestion.tables import (
    DLT_COLUMNS,
    PULLS,
    QUARANTINE,
    SCHEMA_CONTRACT,
    Table,
    columns_hint,
)

__all__ = ["PullError", "PullResult", "ensure_tables", "pull", "table_names"]


@dataclass(frozen=True)
class PullResult:
    """What one pull did.

    `rows` counts new or changed rows and `rejected` the records turned away, by table; tables
    without any are left out. `new_columns` are `table.column` of undeclared fields seen for the
    first time. `resumed` says that a killed pull was finished first. Times are of the real clock.
    """

    source: str
    rows: dict[str, int]
    rejected: dict[str, int]
    new_columns: list[str]
    started_at: datetime
    finished_at: datetime
    resumed: bool = field(default=False)


def table_names(source: str) -> list[str]:
    """The raw tables of `source`, with `quarantine` and `pulls`. Asks neither network nor disk."""
    return [table.name for table in _tables(source)]


def ensure_tables(source: str) -> None:
    """Makes the raw file of `source` with every declared table and column, empty, where missing.

    Needs no credentials and no network. Raises PullError (locked) when another process keeps the
    file open for longer than a minute.
    """
    path = settings.raw_database(source)
    if _is_complete(source, path):
        return
    with only_one(source):
        wait_until_writable(source, path)
        _make_tables(source, _pipeline(source))


def pull(source: str) -> PullResult:
    """Pulls what is new at `source` into its raw file.

    Raises PullError; then nothing that was loaded before has changed.
    """
    started_at = datetime.now(UTC)
    moment = settings.now()
    ensure_tables(source)
    missing = settings.missing_credentials(source)
    if missing:
        raise PullError(
            source,
            "credentials",
            f"{', '.join(missing)} not set. {settings.where_to_put(source, *missing)}",
        )
    with only_one(source):
        try:
            return _pull(source, started_at, moment)
        except Exception as error:
            raise as_pull_error(source, error) from None


def _pull(source: str, started_at: datetime, moment: datetime) -> PullResult:
    path = settings.raw_database(source)
    wait_until_writable(source, path)
    pipeline = _pipeline(source)
    resumed = recovery.finish_pending(pipeline)
    recovery.tidy(pipeline)
    recovery.remove_unfinished_appends(pipeline, _appended(source))
    pipeline.sync_destination()
    with Stored(path, pipeline.dataset_name, moment) as stored:
        this = Pull(source, stored, moment)
        pipeline.extract(_source(source, this))
    wait_until_writable(source, path)
    new_columns = _load(pipeline)
    _note(pipeline, this, started_at)
    return PullResult(
        source=source,
        rows={name: count for name, count in sorted(this.rows.items()) if count},
        rejected=dict(sorted(this.rejected.items())),
        new_columns=new_columns,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        resumed=resumed,
    )


def _load(pipeline: dlt.Pipeline) -> list[str]:
    try:
        pipeline.normalize()
    except Exception:
        # What cannot be normalized now cannot be later: it would block every pull to come.
        pipeline.abort_packages()
        raise
    info = pipeline.load()
    if info is None:
        return []
    return sorted(
        f"{name}.{column}"
        for package in info.load_packages
        for name, table in package.schema_update.items()
        for column in table["columns"]
        if not name.startswith("_dlt") and column not in DLT_COLUMNS
    )


def _note(pipeline: dlt.Pipeline, this: Pull, started_at: datetime) -> None:
    """Writes the row of `pulls`. Without it the next pull merely looks a little further back."""
    with pipeline.sql_client() as client:
        loads = client.make_qualified_table_name("_dlt_loads")
        pulls = client.make_qualified_table_name(PULLS.name)
        pull_id = f"{this.source}-{started_at:%Y%m%dT%H%M%S.%fZ}"
        client.execute_sql(
            f"insert into {pulls} by name select %s pull_id, %s source, %s::timestamptz started_at,"
            " %s::timestamptz pulled_through, %s::bigint as rows, %s::bigint rejected,"
            " %s::boolean listed_all,"
            f" (select coalesce(max(load_id), '') from {loads}) _dlt_load_id, %s _dlt_id",
            pull_id,
            this.source,
            this.now,
            this.now,
            this.rows.total(),
            this.rejected.total(),
            this.listed_all,
            pull_id,
        )


def _source(source: str, this: Pull) -> DltSource:
    resources = module(source).resources(this)

    @dlt.source(schema=_schema(source), max_table_nesting=0, schema_contract=SCHEMA_CONTRACT)
    def everything() -> Any:
        return [*resources, this.quarantine()]

    return everything()


def _tables(source: str) -> tuple[Table, ...]:
    return (*module(source).TABLES, QUARANTINE, PULLS)


def _appended(source: str) -> list[str]:
    return [table.name for table in _tables(source) if table.write == "by_day" or table.in_files]


def _schema(source: str) -> dlt.Schema:
    schema = dlt.Schema(source)
    for table in _tables(source):
        columns: Any = list(columns_hint(table).values())
        named = new_table(
            table.name, write_disposition="merge", columns=columns, resource=table.name
        )
        schema.update_table(named)
    return schema


def _pipeline(source: str) -> dlt.Pipeline:
    return dlt.pipeline(
        pipeline_name=f"raw_{source}",
        pipelines_dir=str(settings.data_dir() / "dlt"),
        destination=RawFile(settings.raw_database(source)),
        dataset_name=f"raw_{source}",
    )


def _make_tables(source: str, pipeline: dlt.Pipeline) -> None:
    with pipeline.destination_client() as client:
        # dlt updates only from a schema that carries the hash of its own content.
        client.schema = dlt.Schema.from_dict(_schema(source).to_dict())  # type: ignore[arg-type]
        client.initialize_storage()
        client.update_stored_schema()


def _is_complete(source: str, path: Path) -> bool:
    if not path.exists():
        return False
    wait_until_writable(source, path, only_to_read=True)
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute(
            "select table_name, column_name from information_schema.columns where table_schema = ?",
            [f"raw_{source}"],
        ).fetchall()
    declared = {(table.name, name) for table in _tables(source) for name in columns_hint(table)}
    return declared <= set(found)
