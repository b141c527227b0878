"""Copies the marts of the warehouse into a DuckDB file that older clients can read, and Parquet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from publish.folder import PublishError

SCHEMA = "marts"
PUBLICATION = "publication"
FRESHNESS = "source_freshness"

# A file that DuckDB 2.0 writes by default is read by no 1.x client, and most Node- and Java-based
# tools still bundle one.
STORAGE_VERSION = "v1.4.0"

_PUBLICATION_COMMENTS = {
    "published_at": "When this file was published, UTC. The same in every row.",
    "run_id": "The run that built and audited it. The same in every row.",
    "as_of": "The instant that the marts call now, UTC. The same in every row.",
    "source": "The system that data was pulled from; NULL in a publication without any source.",
    "kind": "What the source is to the models: crm, billing or product.",
    "newest_record_at": "Time of the newest record that the source has sent.",
    "pulled_at": "When the source was last pulled with success.",
    "data_age_hours": "Hours from newest_record_at to as_of.",
    "pull_age_hours": "Hours from pulled_at to as_of.",
}
_SOURCE_COLUMNS = ("source", "kind", "newest_record_at", "pulled_at")
_AGE_COLUMNS = ("data_age_hours", "pull_age_hours")


def copy_marts(
    warehouse: Path,
    database: Path,
    *,
    withheld: Mapping[str, Collection[str]],
    run_id: str,
    as_of: datetime,
    published_at: datetime,
) -> None:
    """Copy every table and view of the warehouse's marts, without the withheld columns, with
    comments, and add the table `publication`.

    Raises PublishError when there is nothing to publish, when a column is to be withheld that does
    not exist, or when the warehouse cannot be read.
    """
    with _attached(warehouse, database) as connection:
        columns = _mart_columns(connection)
        _refuse(columns, withheld)
        connection.execute(f"create schema target.{SCHEMA}")
        for mart, names in columns.items():
            _copy(connection, mart, [c for c in names if c not in withheld.get(mart, ())])
        _add_publication(connection, run_id, as_of, published_at)
        _comment(connection, withheld)


def export_parquet(database: Path, folder: Path) -> None:
    """Write every published table, `publication` among them, to `<folder>/<name>.parquet`."""
    folder.mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"attach {_text(str(database))} as target (read_only)")
        for (mart,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'target' order by 1"
        ).fetchall():
            file = _text(str(folder / f"{mart}.parquet"))
            connection.execute(
                f"copy target.{SCHEMA}.{_name(mart)} to {file} (format parquet, compression zstd)"
            )


@contextmanager
def _attached(warehouse: Path, database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    # A mart that is a view may be larger than memory: let it spill beside what is being built.
    with duckdb.connect(config={"temp_directory": f"{database}.spill"}) as connection:
        try:
            connection.execute(f"attach {_text(str(warehouse))} as warehouse (read_only)")
        except duckdb.Error as error:
            raise PublishError(f"the warehouse cannot be read: {error}") from error
        connection.execute(
            f"attach {_text(str(database))} as target (storage_version '{STORAGE_VERSION}')"
        )
        yield connection
        # The file alone must be complete: nothing may be left in a log beside it.
        connection.execute("checkpoint target")
        connection.execute("detach target")


def _mart_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    found = connection.execute(
        "select table_name, list(column_name order by column_index) from duckdb_columns()"
        " where database_name = 'warehouse' and schema_name = ? group by 1 order by 1",
        [SCHEMA],
    ).fetchall()
    return dict(found)


def _refuse(columns: Mapping[str, Sequence[str]], withheld: Mapping[str, Collection[str]]) -> None:
    if FRESHNESS not in columns:
        raise PublishError(
            f"{SCHEMA}.{FRESHNESS} is not in the warehouse: a publication must say how old it is"
        )
    if PUBLICATION in columns:
        raise PublishError(f"a mart is named {PUBLICATION}, which publishing adds itself")
    for mart, names in withheld.items():
        # A misspelt name would let the column through that it meant.
        if unknown := set(names) - set(columns.get(mart, ())):
            raise PublishError(
                f"to be withheld but not in {SCHEMA}.{mart}: {', '.join(sorted(unknown))}"
            )
        if names and not set(columns[mart]) - set(names):
            raise PublishError(f"every column of {SCHEMA}.{mart} is withheld")


def _copy(connection: duckdb.DuckDBPyConnection, mart: str, columns: Sequence[str]) -> None:
    table, chosen = f"{SCHEMA}.{_name(mart)}", ", ".join(map(_name, columns))
    connection.execute(f"create table target.{table} as select {chosen} from warehouse.{table}")
    counts = connection.execute(
        f"select (select count(*) from warehouse.{table}), (select count(*) from target.{table})"
    ).fetchall()
    wanted, copied = counts[0]
    if wanted != copied:
        raise PublishError(f"{SCHEMA}.{mart} has {wanted} rows, of which {copied} were copied")


def _add_publication(
    connection: duckdb.DuckDBPyConnection, run_id: str, as_of: datetime, published_at: datetime
) -> None:
    connection.execute(
        f"""
        create table target.{SCHEMA}.{PUBLICATION} as
        select
            cast(? as timestamp) as published_at,
            cast(? as varchar) as run_id,
            cast(? as timestamp) as as_of,
            {", ".join(f"f.{column}" for column in (*_SOURCE_COLUMNS, *_AGE_COLUMNS))}
        from (select 1) as this
        left join warehouse.{SCHEMA}.{FRESHNESS} as f on true
        order by f.source
        """,
        [_naive_utc(published_at), run_id, _naive_utc(as_of)],
    )
    comment = "One row per source: when this was published, from which run, how fresh it was."
    table = f"target.{SCHEMA}.{PUBLICATION}"
    connection.execute(f"comment on table {table} is {_text(comment)}")
    for column, said in _PUBLICATION_COMMENTS.items():
        connection.execute(f"comment on column {table}.{column} is {_text(said)}")


def _comment(
    connection: duckdb.DuckDBPyConnection, withheld: Mapping[str, Collection[str]]
) -> None:
    here = "database_name = 'warehouse' and schema_name = ? and comment is not null"
    for name, comment in connection.execute(
        f"select table_name, comment from duckdb_tables() where {here}"
        f" union all select view_name, comment from duckdb_views() where {here}",
        [SCHEMA, SCHEMA],
    ).fetchall():
        connection.execute(f"comment on table target.{SCHEMA}.{_name(name)} is {_text(comment)}")
    for name, column, comment in connection.execute(
        f"select table_name, column_name, comment from duckdb_columns() where {here}", [SCHEMA]
    ).fetchall():
        if column not in withheld.get(name, ()):
            place = f"target.{SCHEMA}.{_name(name)}.{_name(column)}"
            connection.execute(f"comment on column {place} is {_text(comment)}")


def _naive_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
