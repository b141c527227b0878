"""Rows -> the bytes of a file, the same ones for the same rows."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Any

Cells = dict[str, Any]
_MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def content(name: str, rows: Sequence[Cells]) -> bytes:
    """Return the file `name` with `rows`: comma-separated in UTF-8, except for the office in Tokyo,
    whose Excel saves cp932 with Japanese dates; JSON lines, Parquet, a workbook by the ending."""
    kind = PurePosixPath(name).suffix
    if kind == ".jsonl":
        lines = ({key: one for key, one in row.items() if one is not None} for row in rows)
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
    if kind == ".parquet":
        return _parquet(rows)
    if kind == ".xlsx":
        return _workbook(rows)
    japanese = "tokyo" in name
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(_text(cell, japanese) for cell in row.values())
    return text.getvalue().encode("cp932" if japanese else "utf-8")


def _text(cell: Any, japanese: bool) -> Any:
    if japanese and isinstance(cell, date):
        return f"{cell.year}年{cell.month}月{cell.day}日"
    return cell.isoformat() if isinstance(cell, (date, datetime)) else cell


def _parquet(rows: Sequence[Cells]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), made)
    return made.getvalue()


def _workbook(rows: Sequence[Cells]) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    made = io.BytesIO()
    book.save(made)
    return _without_clock(made.getvalue())


def _without_clock(packed: bytes) -> bytes:
    """A workbook without the moments of writing that openpyxl puts into it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(made, "w") as new:
        for one in old.infolist():
            plain = zipfile.ZipInfo(one.filename)
            plain.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(plain, _MOMENT.sub(b"2000-01-01T00:00:00Z", old.read(one)))
    return made.getvalue()
