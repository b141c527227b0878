"""Finds persons in what a run leaves behind, by address and by full name."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.harness import Product

ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
NAME = re.compile(r"[A-Z][\w'’-]+ [A-Z][\w'’-]+")
# Overlapping: in "Error Jane Doe" the second pair is the name.
NAMES = re.compile(rf"(?=\b({NAME.pattern}))")


BY_DESIGN = ("raw_", "warehouse.duckdb", "manifest.json", "partial_parse", "graph", "semantic_")


@dataclass(frozen=True)
class Persons:
    """Whom nobody must find: addresses in lower case, full names."""

    addresses: frozenset[str]
    names: frozenset[str]

    def found_in(self, text: str) -> set[str]:
        """Those that stand in the text."""
        return {one.lower() for one in ADDRESS.findall(text)} & self.addresses | set(
            NAMES.findall(text)
        ) & self.names


def persons(product: Product, more_addresses: Iterable[str]) -> Persons:
    """Everybody whom the vendors have sent, and the holders of further addresses."""
    contacts = product.raw(
        "hubspot",
        "select properties__email, properties__firstname || ' ' || properties__lastname"
        " from raw_hubspot.contacts"
        " union select email, first_name || ' ' || last_name from raw_hubspot.owners",
    )
    payers = product.raw("stripe", "select email from raw_stripe.customers")
    addresses = (*(row[0] for row in (*contacts, *payers)), *more_addresses)
    return Persons(
        addresses=frozenset(one.strip().lower() for one in addresses if one),
        names=frozenset(name for _, name in contacts if name and NAME.fullmatch(name)),
    )


def left_behind(data: Path) -> Iterator[tuple[Path, str]]:
    """Every file of a data folder as text, but those that hold the data themselves, and dbt's
    parsed project, which is there before any data."""
    for path in sorted(data.rglob("*")):
        if path.is_file() and not path.name.startswith(BY_DESIGN):
            is_database = path.open("rb").read(15) == b"SQLite format 3"
            yield path, "\n".join(_cells(path)) if is_database else path.read_text(errors="replace")


def _cells(path: Path) -> Iterator[str]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        for (table,) in database.execute("select name from sqlite_master where type = 'table'"):
            for row in database.execute(f'select * from "{table}"'):
                yield from filter(None, map(_text, row))


def _text(cell: object) -> str:
    if isinstance(cell, bytes):
        with contextlib.suppress(zlib.error):
            cell = zlib.decompress(cell)
        return cell.decode(errors="replace")
    if isinstance(cell, str) and "\\u" in cell:
        with contextlib.suppress(ValueError):
            return json.dumps(json.loads(cell), ensure_ascii=False)
    return str(cell) if cell is not None else ""
