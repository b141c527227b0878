"""The rows of an Excel workbook (.xlsx): values as cells hold them, and why some hold none."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import openpyxl
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from ingestion.drops.cells import BadCell, Column
from ingestion.drops.grids import Found, Header, Unusable, find_header, table

# A workbook is packed: a small file may hold more than the memory does.
MOST_UNPACKED_BYTES = 64 << 20
MOST_CELLS = 1_000_000

_NEVER_COMPUTED = BadCell("holds a formula without its result; save in Excel, or paste values")
_ERROR = BadCell("holds an error of Excel")


def read_workbook(data: bytes, columns: Sequence[Column], sheet_name: str) -> Found:
    """The rows of the sheet called `sheet_name`, else of the first one whose header fits.

    Hidden sheets are not looked at. Formulas count as the result that Excel last saved. Cells that
    are merged, hold an error, or a formula without a result become BadCell. Raises Unusable.
    """
    _check_size(data)
    book = _open(data, results=False)
    if book.epoch == CALENDAR_MAC_1904:
        raise Unusable("it counts its dates from 1904; save it as CSV")
    sheets = [one for one in book.worksheets if one.sheet_state == "visible"]
    sheets.sort(key=lambda one: one.title.strip().lower() != sheet_name)
    results: list[Workbook] = []
    first: Header | None = None
    for sheet in sheets:
        if sheet.max_row * sheet.max_column > MOST_CELLS:
            raise Unusable(
                f"its sheet spreads over {sheet.max_row} rows and {sheet.max_column} columns; "
                "delete the empty ones"
            )
        header = find_header(_records(sheet, data, results), columns)
        if header.fits:
            below = (one for one in _records(sheet, data, results) if one[0] > header.row)
            return table(below, header)
        first = first or header
    raise Unusable(first.why() if first else "it has no sheet that can be seen")


def _check_size(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            size = sum(one.file_size for one in packed.infolist())
    except zipfile.BadZipFile:
        raise Unusable(
            "it is no .xlsx workbook, was cut off, or is protected by a password"
        ) from None
    if size > MOST_UNPACKED_BYTES:
        raise Unusable("it is too large for a workbook; save it as CSV")


def _open(data: bytes, results: bool) -> Workbook:
    """The workbook with the formulas, or with the results that were saved beside them."""
    try:
        book: Workbook = openpyxl.load_workbook(io.BytesIO(data), data_only=results)
    except Exception:  # openpyxl lets every kind of error out of a broken workbook
        raise Unusable("it is a broken workbook; open it in Excel and save it anew") from None
    return book


def _records(
    sheet: Worksheet, data: bytes, results: list[Workbook]
) -> Iterator[tuple[int, Sequence[Any]]]:
    merged = {
        (row, column): BadCell(f"is one of the merged cells {area.coord}; split them")
        for area in sheet.merged_cells.ranges
        for row in range(area.min_row, area.max_row + 1)
        for column in range(area.min_col, area.max_col + 1)
    }
    for number, cells in enumerate(sheet.iter_rows(), 1):
        yield (
            number,
            [
                merged.get((cell.row, cell.column)) or _value(cell, sheet, data, results)
                for cell in cells
            ],
        )


def _value(cell: Any, sheet: Worksheet, data: bytes, results: list[Workbook]) -> Any:
    if cell.data_type == "e":
        return _ERROR
    if cell.data_type != "f":
        return str(cell.value) if isinstance(cell.value, timedelta) else cell.value
    if not results:
        results.append(_open(data, results=True))
    computed = results[0][sheet.title][cell.coordinate]
    if computed.data_type == "e":
        return _ERROR
    return _NEVER_COMPUTED if computed.value is None else computed.value
