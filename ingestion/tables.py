"""How a source declares its raw tables: columns, keys and how a pull writes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "bigint", "double", "bool", "timestamp", "date", "json"]
Means = Literal["", "number", "moment", "flag", "epoch"]
# merge: a row replaces the row with its key. by_parent: the rows of one parent replace all rows of
# that parent. whole: what was pulled replaces the table. by_day: a day replaces that day, whose
# column is the parent.
Write = Literal["merge", "by_parent", "whole", "by_day"]

# A hint of our own, which `destination` turns into SQL.
COMPRESSION = "x-compression"

SCHEMA_CONTRACT: Any = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}

DLT_COLUMNS: dict[str, dict[str, Any]] = {
    "_dlt_load_id": {"name": "_dlt_load_id", "data_type": "text", "nullable": False},
    "_dlt_id": {"name": "_dlt_id", "data_type": "text", "nullable": False},
}


@dataclass(frozen=True)
class Column:
    """One column: its DuckDB kind and where a record holds it.

    `path` defaults to the name, cut at `__`. `means` is what a text or bigint has to be readable
    as, for vendors that send everything as text: a text that is not is a bad row. `long` texts are
    packed harder: half the space, and a quarter less time to load.
    """

    name: str
    kind: Kind = "text"
    path: tuple[str, ...] = ()
    means: Means = ""
    long: bool = False

    def __post_init__(self) -> None:
        if not self.path:
            object.__setattr__(self, "path", tuple(self.name.split("__")))


@dataclass(frozen=True)
class Table:
    """One raw table.

    `key` columns are never null or empty. `updated` names the column that says which of two
    versions of a row is newer; `gone` the column that, when true, makes a row of nothing but its
    parent take all rows of that parent away. Undeclared members of a record become columns of their
    own, except the `ignored` ones; so do members of an object that a declared path leads into.
    `in_files`: it is so large that it comes in Parquet files, which a first pull may append.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    write: Write = "merge"
    updated: str = ""
    parent: str = ""
    gone: str = ""
    ignored: tuple[str, ...] = ()
    in_files: bool = False

    @property
    def kinds(self) -> dict[str, Kind]:
        return {column.name: column.kind for column in self.columns}


def columns_hint(table: Table) -> dict[str, dict[str, Any]]:
    """The columns of `table` as dlt writes them in a schema."""
    hints: dict[str, dict[str, Any]] = {}
    for column in table.columns:
        hint: dict[str, Any] = {"name": column.name, "data_type": column.kind, "nullable": True}
        if column.name in table.key:
            hint |= {"nullable": False, "primary_key": True}
        if column.name == table.updated:
            hint["dedup_sort"] = "desc"
        if column.name == table.gone:
            hint["hard_delete"] = True
        if column.name == table.parent:
            hint["merge_key"] = True
        if column.long:
            hint[COMPRESSION] = "zstd"
        hints[column.name] = hint
    dlt_columns = {name: dict(hint) for name, hint in DLT_COLUMNS.items()}
    if table.write == "by_day" or table.in_files:
        # DuckDB writes a computed Parquet column as nullable. Where the schema says otherwise, dlt
        # would rewrite the whole file.
        for name in ("_dlt_id", *table.key):
            (dlt_columns if name in dlt_columns else hints)[name]["nullable"] = True
    return hints | dlt_columns


def resource_hints(table: Table) -> dict[str, Any]:
    """The arguments of a dlt resource that loads `table`.

    A table that is replaced as a whole is a merge whose scope is the whole table: it is swapped in
    one transaction from staging, its key is enforced, and a pull that found nothing new can leave
    it alone, which dlt's own `replace` would answer by emptying it.
    """
    disposition: dict[str, Any] = {"disposition": "merge", "strategy": "delete-insert"}
    if table.write == "whole":
        disposition["destination_scope"] = "1 = 1"
    return {
        "name": table.name,
        "columns": columns_hint(table),
        "write_disposition": disposition,
        "schema_contract": SCHEMA_CONTRACT,
    }


def texts(names: Sequence[str] | str, means: Means = "") -> tuple[Column, ...]:
    """Text columns, from names or from one string of names."""
    return _columns(names, "text", means)


def of_kind(kind: Kind, names: Sequence[str] | str, means: Means = "") -> tuple[Column, ...]:
    """Columns of one kind, from names or from one string of names."""
    return _columns(names, kind, means)


def _columns(names: Sequence[str] | str, kind: Kind, means: Means) -> tuple[Column, ...]:
    listed = names.split() if isinstance(names, str) else names
    return tuple(Column(name, kind, means=means) for name in listed)


QUARANTINE = Table(
    "quarantine",
    (
        *texts("quarantine_key resource record_key reason payload"),
        Column("seen_at", "timestamp"),
    ),
    key=("quarantine_key",),
)

PULLS = Table(
    "pulls",
    (
        *texts("pull_id source"),
        *of_kind("timestamp", "started_at pulled_through"),
        *of_kind("bigint", "rows rejected"),
        # Whether all that is stored was compared with the vendor's own lists.
        Column("listed_all", "bool"),
    ),
    key=("pull_id",),
)
