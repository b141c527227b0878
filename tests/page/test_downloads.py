from __future__ import annotations

import csv
import io

import pandas as pd
import pytest

from page.downloads import csv_bytes


def rows(frame: pd.DataFrame) -> list[list[str]]:
    return list(csv.reader(io.StringIO(csv_bytes(frame).decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", " =1", "=cmd|' /C calc'!A0", "\uff1d1+1"],
    ids=repr,
)
def test_a_cell_that_a_spreadsheet_would_run_is_text(cell: str) -> None:
    assert rows(pd.DataFrame({"name": [cell]})) == [["name"], [f"'{cell}"]]


@pytest.mark.parametrize(
    "cell", ["Acme", "a=b", "1-2", "'quoted'", "", "株式会社 佐藤", 'say "hi", all']
)
def test_other_cells_stay_as_they_are(cell: str) -> None:
    frame = pd.DataFrame({"name": [cell], "n": [1]})
    assert rows(frame) == [["name", "n"], [cell, "1"]]


def test_numbers_and_dates_stay_what_they_are_and_what_is_missing_is_empty() -> None:
    frame = pd.DataFrame(
        {"amount": [-1.5, None], "on": [pd.Timestamp("2026-03-01"), None], "name": ["-x", None]}
    )
    assert rows(frame) == [["amount", "on", "name"], ["-1.5", "2026-03-01", "'-x"], ["", "", ""]]


def test_headings_are_escaped_too_and_excel_reads_japanese() -> None:
    frame = pd.DataFrame({"=顧客": ["佐藤"]})
    assert csv_bytes(frame).startswith(b"\xef\xbb\xbf")
    assert rows(frame) == [["'=顧客"], ["佐藤"]]
