"""CSV that a spreadsheet opens without running anything in it."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

# What a spreadsheet takes for a formula, full-width forms of East Asian settings included; also
# behind spaces, which some programs cut off.
_FORMULA = re.compile(r"^\s*[=+\-@＝＋－＠]|^[\t\r\n]")


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """The frame as CSV in UTF-8 with a byte-order mark, without which Excel misreads Japanese.

    Texts, headings among them, that begin as a formula does get a `'` in front. Numbers stay.
    """
    safe = frame.map(_escaped).rename(columns=_escaped)
    return safe.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def _escaped(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.search(cell) else cell
