"""The header and the rows of a dropped file, whatever its format: CSV, JSON lines or Parquet here,
spreadsheets in `workbooks`."""

import csv
import io
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.drops.cells import Column
from ingestion.drops.decoding import Undecodable, decode

# A title and a few empty rows may stand above the header.
HEADER_WITHIN = 20
DELIMITERS = ",;\t|"
BATCH = 5000

csv.field_size_limit(1 << 24)


class Unusable(ValueError):
    """A file that cannot be read at all, and why; the words hold names of columns at most."""


@dataclass(frozen=True)
class Row:
    """One row that is not empty: its number as people count it, and its cells by column.

    With a `problem` it could not be taken apart; `cells` is then whatever there is.
    """

    number: int
    cells: dict[str, Any]
    problem: str = ""


@dataclass
class Found:
    """The rows of a file, read as they are asked for, and columns that nobody has declared.

    Undeclared names may still be added while rows are read. Reading may raise Unusable.
    """

    rows: Iterator[Row]
    undeclared: dict[str, None] = field(default_factory=dict)


def read_csv(data: bytes, columns: Sequence[Column]) -> Found:
    """The rows of a CSV file; row 1 is the first line. Raises Unusable."""
    text = _text(data)
    best: Header | None = None
    for delimiter in DELIMITERS:
        header = find_header(_records(text, delimiter), columns)
        if header.fits:
            records = islice(_records(text, delimiter), header.row, None)
            return table(records, header)
        if best is None or len(header.missing) < len(best.missing):
            best = header
    assert best is not None
    raise Unusable(best.why())


def read_jsonl(data: bytes, columns: Sequence[Column]) -> Found:
    """The objects of a file with one JSON object per line; row 1 is the first line."""
    lines = _text(data).splitlines()
    declared = {column.name for column in columns}
    found = Found(iter(()))

    def rows() -> Iterator[Row]:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                members = json.loads(line, object_pairs_hook=_once)
            except ValueError as problem:
                why = str(problem) if isinstance(problem, _Twice) else "is not a JSON object"
                yield Row(number, {"line": line}, why)
                continue
            if not isinstance(members, dict):
                yield Row(number, {"line": line}, "is not a JSON object")
                continue
            cells = {plain_name(name): value for name, value in members.items()}
            found.undeclared |= dict.fromkeys(name for name in cells if name not in declared)
            yield Row(number, cells)

    found.rows = rows()
    return found


def read_parquet(data: bytes, columns: Sequence[Column]) -> Found:
    """The rows of a Parquet file, counted from 1. Raises Unusable."""
    try:
        file = pq.ParquetFile(io.BytesIO(data))
    except (pa.ArrowException, OSError, ValueError):
        raise Unusable("it is not a Parquet file, or was cut off") from None
    header = find_header([(1, file.schema_arrow.names)], columns)
    if not header.fits:
        raise Unusable(header.why())

    def records() -> Iterator[tuple[int, Sequence[Any]]]:
        number = 0
        try:
            for batch in file.iter_batches(BATCH):
                for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield number, values
        except (pa.ArrowException, OSError, ValueError):
            raise Unusable(f"it breaks off after row {number}") from None

    return table(records(), header)


@dataclass(frozen=True)
class Header:
    """The row that looks most like a header: its number, its names, what it lacks and repeats."""

    row: int
    names: Sequence[str]
    declared: Sequence[str]
    missing: Sequence[str]
    twice: Sequence[str]

    @property
    def fits(self) -> bool:
        """Whether the rows below it can be read."""
        return not self.missing and not self.twice

    def why(self) -> str:
        """What is wrong with it."""
        seen = ", ".join(name for name in self.names if name)[:300] or "nothing"
        if self.twice:
            return f"row {self.row}: column {', '.join(self.twice)} stands there more than once"
        if not self.names:
            return f"it has no header; the first row must name {', '.join(self.missing)}"
        return f"row {self.row}: no column {', '.join(self.missing)}; the header names {seen}"


def find_header(records: Iterable[tuple[int, Sequence[Any]]], columns: Sequence[Column]) -> Header:
    """Of the first rows the one that names the most declared columns."""
    declared = [column.name for column in columns]
    required = [column.name for column in columns if column.required]
    best, most = Header(0, (), declared, required, ()), 0
    try:
        for row, cells in islice(records, HEADER_WITHIN):
            names = [plain_name(cell) if isinstance(cell, str) else "" for cell in cells]
            counted = Counter(name for name in names if name in declared)
            if len(counted) > most or (best.row == 0 and any(names)):
                missing = [name for name in required if name not in counted]
                twice = [name for name, count in counted.items() if count > 1]
                best, most = Header(row, names, declared, missing, twice), len(counted)
    except Unusable:
        pass
    return best


def plain_name(name: str) -> str:
    """A column name without what people and spreadsheets add: case, blanks, full-width letters."""
    plain = unicodedata.normalize("NFKC", name).replace("\ufeff", "").strip().strip("*").lower()
    return re.sub(r"[\s_-]+", "_", plain)


def table(records: Iterable[tuple[int, Sequence[Any]]], header: Header) -> Found:
    """The records below a header as rows; empty ones are left out."""
    names = list(header.names)
    while names and not names[-1]:
        names.pop()
    shown = [name or f"(column {number})" for number, name in enumerate(names, 1)]
    undeclared = dict.fromkeys(name for name in shown if name not in header.declared)

    def rows() -> Iterator[Row]:
        for number, cells in records:
            if isinstance(cells, _Broken):
                yield Row(number, {}, cells.why)
                continue
            if all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in cells):
                continue
            row = dict(zip(shown, cells, strict=False))
            surplus = any(cell not in (None, "") for cell in cells[len(shown) :])
            why = (
                f"has {len(cells)} cells under {len(shown)} columns; a text with the separator in "
                "it must stand in quotes"
            )
            yield Row(number, row, why if surplus else "")

    return Found(rows(), undeclared)


class _Broken(tuple[Any, ...]):
    """Stands for a record that could not be taken apart."""

    why = "has text behind a closing quote"


def _records(text: str, delimiter: str) -> Iterator[tuple[int, Sequence[Any]]]:
    """The records of CSV text, numbered as a spreadsheet shows them."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            if "unexpected end" in str(problem):
                raise Unusable(f"row {number}: a quote is opened and never closed") from None
            yield number, _Broken()


class _Twice(ValueError):
    """An object that names a member twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _Twice("names a column more than once")
    return members


def _text(data: bytes) -> str:
    try:
        return decode(data)
    except Undecodable as problem:
        raise Unusable(str(problem)) from None


READERS: dict[str, Callable[[bytes, Sequence[Column]], Found]] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".parquet": read_parquet,
}
