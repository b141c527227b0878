"""What people type into cells, and what is made of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ingestion.drops.cells import BadCell, Column, Meaning, read_cell
from ingestion.drops.decoding import Undecodable, decode
from ingestion.values import Unreadable

TOKYO = ZoneInfo("Asia/Tokyo")
NOVEMBER_1 = date(2026, 11, 1)


def read(means: Meaning, raw: Any, *choices: str) -> Any:
    return read_cell(Column("cell", means, choices=choices), raw, TOKYO)


@pytest.mark.parametrize(
    "typed",
    [
        "2026-11-01",
        " 2026/11/1 ",
        "2026.11.01",
        "20261101",
        "2026年11月1日",
        "２０２６年１１月０１日",
        "2026-11-01 00:00:00",
        "46327",  # what Excel shows of a date without its format
        46327,
        46327.0,
        NOVEMBER_1,
        datetime(2026, 11, 1),  # noqa: DTZ001  as a workbook gives it
    ],
)
def test_a_day_is_read_however_it_is_written(typed: Any) -> None:
    assert read("date", typed) == NOVEMBER_1


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("01/11/2026", "day/month or month/day"),
        ("25/12/2026", "day/month or month/day"),
        ("1.11.26", "day/month or month/day"),
        ("2026-02-30", "does not exist"),
        ("2026年13月1日", "does not exist"),
        ("2026-11/01", "is not a date"),
        ("令和8年11月1日", "is not a date"),
        ("yesterday", "is not a date"),
        ("0001-01-01", "outside the years"),
        ("9999-12-31", "outside the years"),
        ("12345678", "outside the years|does not exist"),
        (True, "is not a text|is not a date"),
        (datetime(2026, 11, 1, 10), "a moment where a day is due"),  # noqa: DTZ001
        ("46327.5", "a moment where a day is due"),
    ],
)
def test_a_day_that_could_be_another_one_or_none_is_refused(typed: Any, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read("date", typed)


@pytest.mark.parametrize(
    "typed",
    ["2026-11", "2026/11", "2026年11月", "２０２６年１１月", "2026-11-15", date(2026, 11, 30)],
)
def test_a_month_is_its_first_day(typed: Any) -> None:
    assert read("month", typed) == NOVEMBER_1


@pytest.mark.parametrize(
    "typed",
    [
        "2026-11-01 19:30",
        "2026/11/1 19:30:00",
        "2026年11月1日 19:30",
        "2026-11-01T10:30:00Z",
        "2026-11-01T12:30+02:00",
        datetime(2026, 11, 1, 19, 30),  # noqa: DTZ001
        datetime(2026, 11, 1, 10, 30, tzinfo=UTC),
        46327.8125,  # 19:30 of that day, as Excel counts
        "46327.8125",
    ],
)
def test_a_moment_without_a_zone_is_on_the_clock_of_the_configuration(typed: Any) -> None:
    assert read("moment", typed) == datetime(2026, 11, 1, 10, 30, tzinfo=UTC)


def test_a_day_where_a_moment_is_due_is_its_beginning_there() -> None:
    assert read("moment", "2026-11-01") == datetime(2026, 10, 31, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "typed", ["2026-11-01 25:00", "2026-11-01 noon", "10:30", "01/11/2026 10:00"]
)
def test_a_moment_that_does_not_exist_is_refused(typed: str) -> None:
    with pytest.raises(Unreadable):
        read("moment", typed)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("1234.5", "1234.5"),
        ("1,234,567.89", "1234567.89"),
        ("１，２３４．５", "1234.5"),
        ("12.5%", "0.125"),
        ("105％", "1.05"),
        ("(1,200)", "-1200"),
        ("−3", "-3"),
        ("+3", "3"),
        (".5", "0.5"),
        (0.1, "0.1"),
        (1_250_000, "1250000"),
        (Decimal("0.00000001"), "0.00000001"),
    ],
)
def test_a_number_is_read_to_its_last_digit(typed: Any, number: str) -> None:
    assert read("number", typed) == Decimal(number)


@pytest.mark.parametrize(
    "typed",
    ["1.234,56", "1,23", "12,34,567", "1 234", "¥1000", "1000円", "1e5", "NaN", "inf", "n/a",
     "-", "%", True, float("inf"), "1" * 30],
)  # fmt: skip
def test_a_number_that_could_be_another_one_or_none_is_refused(typed: Any) -> None:
    with pytest.raises(Unreadable):
        read("number", typed)


def test_votes_are_whole() -> None:
    assert read("whole", "1,024") == 1024
    assert read("whole", 3.0) == 3
    with pytest.raises(Unreadable, match="whole"):
        read("whole", "2.5")


def test_a_choice_is_known_by_its_word_in_any_case_and_width() -> None:
    assert read("choice", " Ｒｅｄ ", "red", "green") == "red"
    assert read("choice", "Help Centre", "help_centre") == "help_centre"
    with pytest.raises(Unreadable, match="is none of red, green"):
        read("choice", "blue", "red", "green")


def test_an_address_is_one_and_in_lower_case() -> None:
    assert read("email", " Jun@Acme.example ") == "jun@acme.example"
    for typed in ("jun", "a@b.example, c@d.example", "Jun <jun@acme.example>"):
        with pytest.raises(Unreadable):
            read("email", typed)


def test_text_stays_as_it_was_typed_formulas_of_others_too() -> None:
    assert read("text", "=HYPERLINK(1)") == "=HYPERLINK(1)"
    assert read("text", "'); drop table x; --") == "'); drop table x; --"
    assert read("text", "a\0b") == "ab"
    assert read("text", 21000010000.0) == "21000010000"
    assert read("text", NOVEMBER_1) == "2026-11-01"


def test_an_empty_cell_is_nothing_unless_it_is_needed() -> None:
    for empty in (None, "", "  ", "　", float("nan")):
        assert read("date", empty) is None
        with pytest.raises(Unreadable, match="is empty"):
            read_cell(Column("cell", required=True), empty, TOKYO)


def test_a_cell_that_holds_no_value_says_why() -> None:
    with pytest.raises(Unreadable, match="holds an error"):
        read("text", BadCell("holds an error"))


WORDS = "account,reason\n会社,理由は未定\nMüller,ok\n"
JAPANESE = "account,reason\n会社①,理由は未定\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_is_read_with_and_without_its_mark(encoding: str) -> None:
    assert decode(WORDS.encode(encoding)) == WORDS


def test_what_excel_in_japan_saves_is_read() -> None:
    assert decode(JAPANESE.encode("cp932")) == JAPANESE


@pytest.mark.parametrize(
    "data",
    [
        "account,reason\nx,Générale\n".encode("cp1252"),
        "account,reason\nMüller,x\n".encode("latin-1"),
        "account,reason\nx,会社の理由\n".encode("euc-jp"),
        b"account,reason\nx,\xff\xff",
        "account,reason\n会社,理由".encode()[:-1],
    ],
)
def test_letters_that_would_come_out_wrong_are_refused_with_their_row(data: bytes) -> None:
    with pytest.raises(Undecodable, match="row 2"):
        decode(data)
