"""Publishes to PostgreSQL what is published: `python -m publish.postgres <DSN>`.

Readers see the last publication until the next one is complete, whatever happens meanwhile. The
password need not stand in the DSN, where other users of the machine can see it: libpq's
`~/.pgpass`, `PGPASSWORD` and service files work.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
from psycopg2 import sql

from publish import postgres_swap, reader
from publish.copying import PUBLICATION, SCHEMA
from publish.folder import PublishError
from publish.postgres_load import load

ROLE = "c360_bi"

# What publishing made is known by it, so that nothing of anybody else's is ever replaced.
MARK = "Customer 360: made by publishing, which replaces what is in it."
# A change of columns waits for readers, and others wait behind it: not for ever.
LOCK_TIMEOUT = "60s"
# dlt makes a second schema beside the one that it is given, under this ending.
DLT_ADDS = "_staging"


@dataclass(frozen=True)
class InPostgres:
    """What readers of the PostgreSQL see now: rows per table of `schema`, from which run. `exposed`
    are tables elsewhere that the role can read for reasons that publishing knows nothing of.
    """

    schema: str
    role: str
    run_id: str
    rows: Mapping[str, int]
    exposed: tuple[str, ...]


def publish_to_postgres(
    target: Path, dsn: str, *, schema: str = SCHEMA, role: str = ROLE
) -> InPostgres:
    """Make the newest publication of the folder `target` what `role` reads in `schema`.

    Loads into schemas of its own, `<schema>_loading...`, and removes them. The user of the DSN owns
    everything; it may make schemas in the database, and the role unless it exists. Raises
    NoPublication, or PublishError, and then readers see what they saw before.
    """
    loading, staging = f"{schema}_loading", f"{schema}_loading{DLT_ADDS}"
    with reader.connect(target) as published, _connected(dsn) as connection:
        with connection, connection.cursor() as cursor:
            _refuse(cursor, role, schema, loading, staging)
            _make_empty(cursor, loading)
            _make_empty(cursor, staging)
        load(published, connection, loading)
        with connection, connection.cursor() as cursor:
            cursor.execute("select set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
            cursor.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
            _mark(cursor, schema)
            rows = postgres_swap.replace_all(cursor, loading, schema)
            _compare(published, rows)
            postgres_swap.comment(cursor, schema, _described(published))
            postgres_swap.let_read(cursor, schema, role)
            _drop(cursor, loading)
            _drop(cursor, staging)
            exposed = postgres_swap.readable_elsewhere(cursor, schema, role)
        _tidy(connection, schema, rows)
        said = published.execute(f"select any_value(run_id) from {SCHEMA}.{PUBLICATION}").fetchall()
    return InPostgres(schema, role, said[0][0], rows, tuple(exposed))


@contextmanager
def _connected(dsn: str) -> Iterator[Any]:
    connection = None
    try:
        connection = psycopg2.connect(dsn, application_name="customer-360")
        yield connection
    except (psycopg2.Error, duckdb.Error) as error:
        raise PublishError(f"publishing to PostgreSQL failed: {str(error).strip()}") from error
    finally:
        if connection is not None:
            connection.close()


def _refuse(cursor: Any, role: str, schema: str, *passing: str) -> None:
    cursor.execute("select current_user, pg_try_advisory_lock(hashtext(%s))", [f"c360 {schema}"])
    user, is_alone = cursor.fetchone()
    if not is_alone:
        raise PublishError(f"another process is publishing to the schema {schema}")
    if user == role:
        raise PublishError(f"{role} would own what it may only read: publish as another user")
    for name in (schema, *passing):
        cursor.execute(
            "select obj_description(n.oid, 'pg_namespace'),"
            " exists (select 1 from pg_class c where c.relnamespace = n.oid)"
            " from pg_namespace n where n.nspname = %s",
            [name],
        )
        for said, is_used in cursor.fetchall():
            if said != MARK and (is_used or name in passing):
                raise PublishError(f"the schema {name} was not made by publishing: name another")


def _make_empty(cursor: Any, schema: str) -> None:
    _drop(cursor, schema)
    cursor.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
    _mark(cursor, schema)


def _drop(cursor: Any, schema: str) -> None:
    cursor.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))


def _mark(cursor: Any, schema: str) -> None:
    cursor.execute(sql.SQL("comment on schema {} is %s").format(sql.Identifier(schema)), [MARK])


def _compare(published: duckdb.DuckDBPyConnection, rows: Mapping[str, int]) -> None:
    for (table,) in published.execute(
        "select table_name from duckdb_tables() where schema_name = ?", [SCHEMA]
    ).fetchall():
        counted = published.execute(f'select count(*) from {SCHEMA}."{table}"').fetchall()
        if rows.get(table) != counted[0][0]:
            raise PublishError(
                f"{table} has {counted[0][0]} rows, of which {rows.get(table, 0)} arrived"
            )


def _described(published: duckdb.DuckDBPyConnection) -> dict[str, postgres_swap.Described]:
    columns: dict[str, dict[str, str]] = {}
    for table, column, said in published.execute(
        "select table_name, column_name, comment from duckdb_columns()"
        " where schema_name = ? and comment is not null",
        [SCHEMA],
    ).fetchall():
        columns.setdefault(table, {})[column] = said
    tables = published.execute(
        "select table_name, comment from duckdb_tables() where schema_name = ?", [SCHEMA]
    ).fetchall()
    return {name: postgres_swap.Described(said, columns.get(name, {})) for name, said in tables}


def _tidy(connection: Any, schema: str, rows: Mapping[str, int]) -> None:
    """Free the space of the rows before, and let the planner know the new ones."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        for table in rows:
            place = sql.Identifier(schema, table)
            cursor.execute(sql.SQL("vacuum (analyze) {}").format(place))


def main(arguments: list[str]) -> None:
    """Publish, and say what readers see now."""
    asked = argparse.ArgumentParser(prog="python -m publish.postgres", description=__doc__)
    asked.add_argument("dsn", help="postgresql://user@host/database, or key=value pairs")
    asked.add_argument("--published", type=Path, default=Path("published"), help="the folder")
    asked.add_argument("--schema", default=SCHEMA)
    asked.add_argument("--role", default=ROLE, help="who may read; made when it does not exist")
    given = asked.parse_args(arguments)
    done = publish_to_postgres(given.published, given.dsn, schema=given.schema, role=given.role)
    for table, count in done.rows.items():
        print(f"  {table:28} {count:>12,}")
    print(f"Run {done.run_id} is what {done.role} reads in the schema {done.schema}.")
    if done.exposed:
        print(f"NOTE: it can read more than that: {', '.join(done.exposed)}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (PublishError, reader.NoPublication) as error:
        sys.exit(str(error))
