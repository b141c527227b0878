"""Makes loaded tables what readers of a PostgreSQL see, all at once, and lets a role read them.

Rows are deleted and inserted in one transaction, and tables are kept. Renaming schemas or tables
would be quicker, and worse: a reader in a repeatable-read transaction would find the new tables
empty, and views that people built on the marts would go on showing the old ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg2 import sql

# dlt's own tables and columns are no part of the marts.
_DLT = "_dlt_"


@dataclass(frozen=True)
class Described:
    """What is said of one table, and of its columns."""

    table: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


def definitions(cursor: Any, schema: str) -> dict[str, dict[str, str]]:
    """Tables of a schema, each with its columns and their types as PostgreSQL writes them."""
    cursor.execute(
        "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod)"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        " where n.nspname = %s and c.relkind in ('r', 'p') order by 1, a.attnum",
        [schema],
    )
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in cursor.fetchall():
        if not table.startswith(_DLT) and not column.startswith(_DLT):
            found.setdefault(table, {})[column] = kind
    return found


def replace_all(cursor: Any, loaded: str, schema: str) -> dict[str, int]:
    """Give the tables of `schema` the columns and rows of those of `loaded`; rows per table.

    Belongs into one transaction. A table is altered, not made anew, when its columns changed.
    """
    wanted, there = definitions(cursor, loaded), definitions(cursor, schema)
    for table in sorted(set(there) - set(wanted)):
        # Without cascade: a view that somebody built on it is not taken away silently.
        cursor.execute(sql.SQL("drop table {}").format(sql.Identifier(schema, table)))
    rows = {}
    for table, columns in wanted.items():
        target = sql.Identifier(schema, table)
        if table not in there:
            cursor.execute(sql.SQL("create table {} ()").format(target))
        _alter(cursor, target, there.get(table, {}), columns)
        cursor.execute(sql.SQL("delete from {}").format(target))
        cursor.execute(
            sql.SQL("insert into {target} ({names}) select {names} from {source}").format(
                target=target,
                names=sql.SQL(", ").join(map(sql.Identifier, columns)),
                source=sql.Identifier(loaded, table),
            )
        )
        rows[table] = cursor.rowcount
    return rows


def _alter(
    cursor: Any, target: sql.Identifier, there: Mapping[str, str], wanted: Mapping[str, str]
) -> None:
    changes = [
        sql.SQL("drop column {}").format(sql.Identifier(column))
        for column, kind in there.items()
        if wanted.get(column) != kind
    ] + [
        # The type is one that PostgreSQL wrote itself.
        sql.SQL("add column {} {}").format(sql.Identifier(column), sql.SQL(kind))
        for column, kind in wanted.items()
        if there.get(column) != kind
    ]
    if changes:
        altered = sql.SQL(", ").join(changes)
        cursor.execute(sql.SQL("alter table {} {}").format(target, altered))


def comment(cursor: Any, schema: str, described: Mapping[str, Described]) -> None:
    """Say of tables and columns what the publication says of them."""
    for table, said in described.items():
        place = sql.Identifier(schema, table)
        cursor.execute(sql.SQL("comment on table {} is %s").format(place), [said.table])
        for column, text in said.columns.items():
            place = sql.Identifier(schema, table, column)
            cursor.execute(sql.SQL("comment on column {} is %s").format(place), [text])


def let_read(cursor: Any, schema: str, role: str) -> None:
    """Let `role` read every table of `schema`, and let nobody else but the owner."""
    cursor.execute("select 1 from pg_roles where rolname = %s", [role])
    reader, place = sql.Identifier(role), sql.Identifier(schema)
    if not cursor.fetchall():
        cursor.execute(sql.SQL("create role {} nologin").format(reader))
    for grant in (
        "revoke all on schema {place} from public, {reader}",
        "revoke all on all tables in schema {place} from public, {reader}",
        "grant usage on schema {place} to {reader}",
        "grant select on all tables in schema {place} to {reader}",
    ):
        cursor.execute(sql.SQL(grant).format(place=place, reader=reader))


def readable_elsewhere(cursor: Any, schema: str, role: str) -> list[str]:
    """Tables and views outside `schema` that `role` can read for some other reason."""
    cursor.execute(
        "select format('%%I.%%I', n.nspname, c.relname)"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname <> %(schema)s"
        " and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
        " and has_schema_privilege(%(role)s, n.oid, 'usage')"
        " and has_any_column_privilege(%(role)s, c.oid, 'select') order by 1",
        {"schema": schema, "role": role},
    )
    return [name for (name,) in cursor.fetchall()]
