"""Files that people drop into a folder: what lives in spreadsheets and nowhere else.

Every pull reads every file, so raw is what lies in the folder: a corrected file replaces its rows,
a removed one takes them along. A file that cannot be used leaves the rows of its last good version
where they are. Which of two files wins is decided above, by the day on which they were written.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from dlt.extract import DltResource

from ingestion import settings
from ingestion.drops.cells import read_cell
from ingestion.drops.grids import READERS, Found, Row, Unusable
from ingestion.drops.workbooks import read_workbook
from ingestion.errors import PullError
from ingestion.object_store import ObjectStore, StoredFile
from ingestion.pull import BATCH, Pull
from ingestion.reading import ARROW, Reject, payload_of, with_row_ids
from ingestion.sources.files_tables import SCHEMAS, Schema
from ingestion.tables import Column, Table, of_kind, texts
from ingestion.values import Unreadable

SOURCE = "files"
DEFAULT_FOLDER = "drops"
# A larger file is no spreadsheet any more; whoever makes it can cut it up.
MOST_BYTES = 100 << 20

DROPPED_FILES = Table(
    "dropped_files",
    (
        *texts("file_name schema_name"),
        *of_kind("bigint", "size_bytes"),
        Column("modified_at", "timestamp"),
        *of_kind("bigint", "rows_loaded rows_rejected"),
        *texts("problem"),
        Column("removed_at", "timestamp"),
    ),
    key=("file_name",),
)
TABLES = (*(schema.table for schema in SCHEMAS), DROPPED_FILES)


def resources(pull: Pull) -> list[DltResource]:
    """The dlt resources of the drop, one per schema and one that tells what became of each file."""
    drop = Drop(pull)

    def rows_of(schema: Schema) -> Any:
        return lambda: drop.rows(schema)

    return [
        *(pull.resource(schema.table, rows_of(schema)) for schema in SCHEMAS),
        pull.resource(DROPPED_FILES, drop.report),
    ]


@dataclass
class Outcome:
    """What became of one file."""

    file: StoredFile
    schema: str | None
    loaded: int = 0
    rejects: list[Reject] = field(default_factory=list)
    problem: str | None = None


class Drop:
    """The files of one pull, by schema."""

    def __init__(self, pull: Pull) -> None:
        self._pull = pull
        self._zone = ZoneInfo(settings.option(SOURCE, "timezone", "UTC"))
        url = settings.option(SOURCE, "bucket_url", "") or DEFAULT_FOLDER
        # Whoever drops nothing need not make the folder.
        there = "://" in url or (settings.ROOT / url).is_dir()
        self._store = ObjectStore.configured(SOURCE, url) if there else None
        self._files: dict[str | None, list[StoredFile]] = {}
        for file in self._store.files() if self._store else []:
            if not _is_aside(file.key):
                self._files.setdefault(_schema_of(file.key), []).append(file)
        self._outcomes: list[Outcome] = []

    def rows(self, schema: Schema) -> Iterator[pa.Table]:
        """All rows of one schema, when any is new, changed or gone."""
        pieces, rejected = [_no_rows(schema.table)], 0
        for file in self._files.get(schema.name, []):
            outcome = Outcome(file, schema.name)
            found = self._read(schema, outcome)
            outcome.loaded = sum(piece.num_rows for piece in found)
            if not outcome.loaded and outcome.rejects:
                found = [self._last_good(schema.table, file.key)]
            pieces += found
            rejected += len(outcome.rejects)
            self._pull.reject(outcome.rejects)
            self._outcomes.append(outcome)
        rows = with_row_ids(pa.concat_tables(pieces))
        yield from self._pull.replace_all(schema.table, rows, rejected)

    def report(self) -> Iterator[pa.Table]:
        """One row per file there is, or was."""
        self._pull.wait_for(*(schema.name for schema in SCHEMAS))
        for file in self._files.get(None, []):
            outcome = Outcome(file, None, problem=_unknown(file.key))
            outcome.rejects = [Reject(DROPPED_FILES.name, file.key, str(outcome.problem), "")]
            self._pull.reject(outcome.rejects)
            self._outcomes.append(outcome)
        present = _arrow(DROPPED_FILES, [_report_row(one) for one in self._outcomes])
        changed = self._pull.stored.changed(DROPPED_FILES, with_row_ids(present), self._pull.now)
        if changed.num_rows:
            self._pull.rows[DROPPED_FILES.name] += changed.num_rows
            yield changed
        stored = self._pull.stored.rows(
            f"select file_name from {self._pull.stored.relation(DROPPED_FILES.name)} "
            "where removed_at is null"
        )
        gone = {row[0] for row in stored} - {one.file.key for one in self._outcomes}
        marks = {"removed_at": self._pull.now, "rows_loaded": 0, "rows_rejected": 0}
        yield from self._pull.marked(DROPPED_FILES, sorted(gone), marks)

    def _read(self, schema: Schema, outcome: Outcome) -> list[pa.Table]:
        """The readable rows of a file; what is wrong with the others is put into `outcome`."""
        pieces: list[pa.Table] = []
        file, rejects = outcome.file, outcome.rejects
        try:
            found = self._open(schema, file)
            while batch := list(islice(found.rows, BATCH)):
                pieces.append(self._typed(schema, file, batch, rejects))
        except Unusable as problem:
            outcome.problem = str(problem)
            rejects[:] = [Reject(schema.name, file.key, f"{file.key} was left out: {problem}", "")]
            return []
        if found.undeclared:
            names = ", ".join(found.undeclared)
            outcome.problem = f"columns that nobody knows were left out: {names[:300]}"
            rejects.append(Reject(schema.name, file.key, f"{file.key}: {outcome.problem}", ""))
        return pieces

    def _open(self, schema: Schema, file: StoredFile) -> Found:
        if file.size > MOST_BYTES:
            raise Unusable(f"it is larger than {MOST_BYTES >> 20} MB; cut it up")
        kind = PurePosixPath(file.key).suffix.lower()
        if kind != ".xlsx" and kind not in READERS:
            raise Unusable(f"{kind or 'a file without an ending'} is none of {_ENDINGS}")
        data = self._bytes(file)
        if kind == ".xlsx":
            return read_workbook(data, schema.columns, schema.name)
        return READERS[kind](data, schema.columns)

    def _bytes(self, file: StoredFile) -> bytes:
        assert self._store
        try:
            data = self._store.read(file.key)
        except PullError as problem:
            if problem.kind != "credentials":
                raise
            # The folder could be listed, so it is this file alone.
            raise Unusable("nobody but its owner may read it") from None
        if data is None:
            raise Unusable("it went away while it was read")
        return data

    def _typed(
        self, schema: Schema, file: StoredFile, batch: list[Row], rejects: list[Reject]
    ) -> pa.Table:
        typed: list[dict[str, Any]] = []
        for row in batch:
            values, problems = self._values(schema, row)
            if problems:
                place = f"{file.key} row {row.number}"
                why = "; ".join(problems)
                payload = payload_of({name: _shown(cell) for name, cell in row.cells.items()})
                rejects.append(
                    Reject(schema.name, f"{file.key}:{row.number}", f"{place}: {why}", payload)
                )
                continue
            typed.append(values | {"file_name": file.key, "row_number": row.number})
        return _arrow(schema.table, typed)

    def _values(self, schema: Schema, row: Row) -> tuple[dict[str, Any], list[str]]:
        """The values of a row, and what is wrong with it: the columns, and why."""
        if row.problem:
            return {}, [row.problem]
        values: dict[str, Any] = {}
        problems = []
        for column in schema.columns:
            try:
                value = read_cell(column, row.cells.get(column.name), self._zone)
            except Unreadable as problem:
                problems.append(f"{column.name} {problem}")
                continue
            values[column.name] = value
        broken = "" if problems else schema.broken(values)
        return values, [broken] if broken else problems

    def _last_good(self, table: Table, file_name: str) -> pa.Table:
        found = self._pull.stored.copies(table, [file_name], {})
        return found.select(list(table.kinds)).cast(_no_rows(table).schema)


_ENDINGS = f".xlsx, {', '.join(sorted(READERS))}"


def _is_aside(key: str) -> bool:
    """Whether nobody dropped this file: hidden, half uploaded, Excel's lock, a guide."""
    path = PurePosixPath(key)
    hidden = any(part.startswith((".", "~$", "_")) for part in path.parts)
    unfinished = path.suffix.lower() in (".part", ".tmp", ".crdownload", ".filepart")
    return hidden or unfinished or path.stem.lower() == "readme" or path.parts[0] == "templates"


def _schema_of(key: str) -> str | None:
    """The schema that a file's first folder is called after, or its name begins with."""
    path = PurePosixPath(key)
    names = [path.parts[0]] if len(path.parts) > 1 else []
    for name in (*names, path.stem):
        plain = name.lower().replace(" ", "_")
        for schema in SCHEMAS:
            rest = plain.removeprefix(schema.name)
            if rest != plain and (not rest or not rest[0].isalpha()):
                return schema.name
    return None


def _unknown(key: str) -> str:
    known = ", ".join(schema.name for schema in SCHEMAS)
    return f"{key}: neither its folder nor the beginning of its name is one of {known}"


def _report_row(outcome: Outcome) -> dict[str, Any]:
    return {
        "file_name": outcome.file.key,
        "schema_name": outcome.schema,
        "size_bytes": outcome.file.size,
        "modified_at": outcome.file.modified_at.replace(microsecond=0),
        "rows_loaded": outcome.loaded,
        "rows_rejected": len(outcome.rejects),
        "problem": outcome.problem,
    }


def _arrow(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.table(
        {
            name: pa.array([_plain(row.get(name), kind) for row in rows], ARROW[kind])
            for name, kind in table.kinds.items()
        }
    )


def _no_rows(table: Table) -> pa.Table:
    return _arrow(table, [])


def _plain(value: Any, kind: str) -> Any:
    """Numbers that stand in text columns, without exponents."""
    return f"{value:f}" if kind == "text" and isinstance(value, Decimal) else value


def _shown(cell: Any) -> Any:
    return cell if cell is None or isinstance(cell, (str, int, float, bool)) else str(cell)
