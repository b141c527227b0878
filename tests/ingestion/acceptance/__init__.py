"""What every source has to prove, as one suite over all of them.

A source takes part by a file of its own here, `<source>.py`, found by its name; `hubspot.py` is
records, `mixpanel.py` is events. It holds what only this vendor's people know, as plain functions:

    counts(box) -> {table: rows}   what the small world shows now, per raw table, taken from
                                   `box.world` and not from the code under test; must name every
                                   table but `quarantine` and `pulls`
    update(box)                    changes one record
    late(box)                      adds one dated behind the cursor, as far as the vendor shows such
    ties(box)                      adds more with one timestamp than the vendor gives in a page
    soft_delete(box), hard_delete(box), merge(box)
    future(box)                    adds one dated in 2099
    flip(box) -> table             changes the type of one field in at least 20 records
    expire(box)                    lets the token run out in the middle of the next pull

The functions that change the world are generators: they change it and then yield `stands(...)` for
everything that must be in raw after the next pull and was not before. `box.now` is two hours after
the last pull when they are called. What a vendor does not have is named, with the reason:

    WITHOUT = {"merge": "Stripe merges nothing"}

Optional, each with the default shown:

    WORLD = {}      arguments for `small_world`, e.g. {"options": {"zendesk": {...}}}
    EMPTY = {}      tables that may be empty in that world, with the reason
    UNSEEN = {}     {table: "column column"} declared but without a value in that world
    WRONG = {}      {credential key: a wrong value}, where "s3cret-but-wrong" would not be refused
    NOTICED = ()    columns that say when a pull noticed something, not when it happened
    FAULTS = ("rate_limit", "server_error", "down", "cut_stream")   passing faults to survive
    AGAIN = ("delete from pulls",)   SQL on the raw file that makes the next pull ask again for what
                                     it has, or at least for the last days of it

`test_acceptance.py` then does the rest over one world and one data folder per source. Run one
source with `pytest tests/ingestion/acceptance -k stripe`.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from types import ModuleType
from typing import Any

CHANGES = ("update", "late", "ties", "soft_delete", "hard_delete", "merge")
OTHERS = ("future", "flip", "expire")


@dataclass(frozen=True)
class Stands:
    """`rows` rows of `table` answer to `where`, and each of them has these values."""

    table: str
    where: str
    rows: int
    values: dict[str, Any]


def stands(table: str, where: str, rows: int = 1, /, **values: Any) -> Stands:
    """What must be in raw: `rows` rows of `table` `where`, with these values in their columns."""
    return Stands(table, where, rows, values)


def sources() -> list[str]:
    """The sources that have a file here."""
    found = (one.name for one in pkgutil.iter_modules(__path__))
    return sorted(name for name in found if not name.startswith("test_") and name != "journey")


def adapter(source: str) -> ModuleType:
    """The file of one source."""
    return importlib.import_module(f"{__name__}.{source}")
