"""From which columns each column of a model is made, read from the SQL that dbt has compiled.

The integration can tell the same, but asks the database, and nobody can while dbt holds the file:
every event of the build would wait for its end. Reading the SQL takes a second for all models, once
per version of the project.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import dagster as dg
import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

from ingestion import settings
from orchestration import environment

# Schema, table and column that a column is made from.
Origin: TypeAlias = tuple[str, str, str]
Lineage: TypeAlias = dict[str, list[Origin]]

KEY = "dagster/column_lineage"
DIALECT = "duckdb"
SHARED = """
    select schema_name, table_name, list(column_name order by column_index)
    from duckdb_columns() where not internal and database_name <> 'temp' group by all
"""


def lineage(sql: str, tables: Mapping[tuple[str, str], Iterable[str]]) -> Lineage:
    """For each column that a query returns, in order, the columns of tables its value is made from,
    one step up. `tables` has the columns of the tables by schema and name, for `select *`.

    What only decides which rows there are (joins, filters) is not counted. Raises
    sqlglot.errors.SqlglotError for SQL that cannot be read.
    """
    query = sqlglot.parse_one(sql, dialect=DIALECT)
    known = MappingSchema(dialect=DIALECT)
    for table in query.find_all(exp.Table):
        table.set("catalog", None)
        columns = tables.get((table.db, table.name))
        if columns:
            types = dict.fromkeys(columns, "varchar")
            known.add_table(exp.table_(table.name, db=table.db), types, match_depth=False)
    query = qualify(
        query,
        dialect=DIALECT,
        schema=known,
        validate_qualify_columns=False,
        quote_identifiers=False,
        identify=False,
    )
    root = build_scope(query)
    if root is None or not isinstance(query, exp.Query):
        return {}
    walk = _Walk(root, tables)
    return {name: sorted(walk.origins(root, name)) for name in query.named_selects}


class _Walk:
    """Follows columns through the subqueries of one query."""

    def __init__(self, root: Scope, tables: Mapping[tuple[str, str], Iterable[str]]) -> None:
        self._tables = {name: set(columns) for name, columns in tables.items()}
        self._scopes = {id(scope.expression): scope for scope in root.traverse()}
        self._found: dict[tuple[int, str], frozenset[Origin]] = {}

    def origins(self, scope: Scope, column: str) -> frozenset[Origin]:
        """The columns of tables behind one column of a scope."""
        asked = (id(scope), column)
        if asked not in self._found:
            # What a recursive query takes from itself comes from what it began with.
            self._found[asked] = frozenset()
            self._found[asked] = frozenset(self._of(scope, column))
        return self._found[asked]

    def _of(self, scope: Scope, column: str) -> Iterator[Origin]:
        query = scope.expression
        if isinstance(query, exp.SetOperation):
            place = query.named_selects.index(column) if column in query.named_selects else None
            for branch in scope.set_operation_scopes or []:
                own = branch.expression
                if place is not None and isinstance(own, exp.Query):
                    yield from self.origins(branch, own.named_selects[place])
        elif isinstance(query, exp.Query):
            named = [one for one in query.selects if one.alias_or_name == column]
            for selected in named:
                yield from self._behind(selected)
            # A `*` stays one where two of its tables have a column of the same name.
            if not named and any(one.is_star for one in query.selects):
                for _, source in scope.selected_sources.values():
                    yield from self._from(source, column)
        else:
            yield from self._behind(query)

    def _behind(self, expression: exp.Expr) -> Iterator[Origin]:
        for part in expression.walk(prune=lambda node: isinstance(node, exp.Query)):
            if isinstance(part, exp.Query):
                for selected in part.selects:
                    yield from self._behind(selected)
            elif isinstance(part, exp.Column):
                for source in self._sources(part):
                    yield from self._from(source, part.name)

    def _from(self, source: Scope | exp.Expr, column: str) -> Iterator[Origin]:
        if isinstance(source, Scope):
            yield from self.origins(source, column)
        elif isinstance(source, exp.Table) and source.db:
            place = (source.db, source.name)
            if column in self._tables.get(place, (column,)):
                yield (*place, column)

    def _sources(self, column: exp.Column) -> list[Scope | exp.Expr]:
        """What the table name before a column stands for, where the column stands; all that is
        selected from there when none stands before it."""
        above: exp.Expr | None = column.parent
        while above is not None:
            scope = self._scopes.get(id(above))
            if scope is not None and not column.table:
                return [source for _, source in scope.selected_sources.values()]
            if scope is not None and column.table in scope.sources:
                return [scope.sources[column.table]]
            above = above.parent
        return []


class Columns:
    """Lineage for the events of one build: remembered from the last one, or read as it goes."""

    def __init__(self, target: Path) -> None:
        manifest = json.loads(environment.manifest().read_text())
        self._compiled = target / "compiled" / manifest["metadata"]["project_name"]
        self._nodes: dict[str, Any] = manifest["nodes"]
        self._project = environment.project_hash()
        self._store = environment.dbt_target() / "columns.json"
        self._remembered = self._recall()
        self._read: dict[str, Lineage] = {}
        self._tables = {} if self._remembered else _tables()

    def _recall(self) -> dict[str, Lineage]:
        if not self._store.exists():
            return {}
        stored = json.loads(self._store.read_text())
        return stored["columns"] if stored["project"] == self._project else {}

    def add_to(self, events: Iterable[Any]) -> Iterator[Any]:
        """The events as they come, those of models with the lineage of their columns."""
        for event in events:
            unique_id = _model_of(event)
            found = self._lineage(unique_id) if unique_id else {}
            yield event.with_metadata({**event.metadata, KEY: _told(found)}) if found else event

    def remember(self) -> None:
        """Keep what was read of a whole build, for the builds to come."""
        if not self._remembered:
            stored = {"project": self._project, "columns": self._read}
            self._store.write_text(json.dumps(stored))

    def _lineage(self, unique_id: str) -> Lineage:
        if self._remembered:
            return self._remembered.get(unique_id, {})
        node = self._nodes[unique_id]
        try:
            found = self._copied(node) or self._selected(node)
        except Exception:
            # A plugin's model has no SQL, and no other may stop a build either by how it is
            # written: the graph shows its tables, its columns stay untold.
            return {}
        self._tables[node["schema"], node["name"]] = list(found)
        self._read[unique_id] = found
        return found

    def _copied(self, node: Mapping[str, Any]) -> Lineage:
        """Of a snapshot, which keeps columns of one model under their names."""
        if node["resource_type"] != "snapshot":
            return {}
        (one,) = node["depends_on"]["nodes"]
        parent = self._nodes[one]
        place = (parent["schema"], parent["name"])
        return {column: [(*place, column)] for column in self._tables.get(place, ())}

    def _selected(self, node: Mapping[str, Any]) -> Lineage:
        return lineage((self._compiled / node["original_file_path"]).read_text(), self._tables)


def _model_of(event: Any) -> str | None:
    if not isinstance(event, dg.Output):
        return None
    unique_id = event.metadata.get("unique_id")
    name = str(unique_id.value) if unique_id is not None else ""
    return name if name.startswith(("model.", "snapshot.")) else None


def _told(found: Lineage) -> dg.TableColumnLineageMetadataValue:
    return dg.MetadataValue.column_lineage(
        dg.TableColumnLineage(
            {
                name: [
                    dg.TableColumnDep(dg.AssetKey([schema, table]), column)
                    for schema, table, column in origins
                ]
                for name, origins in found.items()
            }
        )
    )


def _tables() -> dict[tuple[str, str], list[str]]:
    """The columns of every table that there is before the build, by schema and name."""
    files = [settings.raw_database(source) for source in settings.enabled_sources()]
    found: dict[tuple[str, str], list[str]] = {}
    for path in (*files, environment.warehouse()):
        if path.exists():
            with duckdb.connect(str(path), read_only=True) as connection:
                for schema, table, columns in connection.execute(SHARED).fetchall():
                    found[schema, table] = columns
    return found
