"""What one cell of a dropped file says, read as what its column is declared to be.

People type dates and numbers in many ways. What can be read in one way only is read; what could
mean two things (01/02/2026, 1.234) is refused, with words that say how to write it.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from zoneinfo import ZoneInfo

from ingestion.values import FIRST_YEAR, LAST_YEAR, Unreadable, clean_text

Meaning = Literal[
    "text", "code", "choice", "email", "currency", "date", "month", "moment", "number", "whole"
]

# Excel counts days from here; its 1900 has a 29th of February, so earlier serials are not told.
SERIAL_ZERO = date(1899, 12, 30)
SERIALS = range(20_000, 110_000)
_SERIAL = re.compile(r"\d{5,6}(\.\d+)?")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)")
_DATE = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_KANJI_DATE = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")
_MONTH = re.compile(r"(\d{4})[-/.](\d{1,2})|(\d{4})年(\d{1,2})月")
_YEAR_LAST = re.compile(r"\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4}")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:\s*(Z|[+-]\d\d:?\d\d))?")
_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)?(\.\d+)?")
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True)
class BadCell:
    """A cell that holds nothing to read, and why."""

    why: str


@dataclass(frozen=True)
class Column:
    """A column of a declared file: what its cells mean and, of a choice, what they may be."""

    name: str
    means: Meaning = "text"
    required: bool = False
    choices: Sequence[str] = ()


def read_cell(column: Column, raw: Any, zone: ZoneInfo) -> Any:
    """The value of a cell, None when it is empty: str, date, aware datetime (UTC), Decimal or int.

    A moment without a zone of its own is in `zone`. Raises Unreadable, without the value.
    """
    if isinstance(raw, BadCell):
        raise Unreadable(raw.why)
    if isinstance(raw, str):
        raw = clean_text(raw).strip()
    # What a data frame leaves in an empty cell of a column of numbers.
    nothing = isinstance(raw, float) and math.isnan(raw)
    if raw is None or raw == "" or nothing:
        if column.required:
            raise Unreadable("is empty")
        return None
    if column.means == "choice":
        return _choice(raw, column.choices)
    if column.means == "moment":
        return _moment(raw, zone)
    return _READERS[column.means](raw)


def _plain(raw: Any) -> str:
    """Full-width digits and signs, as Japanese keyboards give them, as plain ones."""
    if not isinstance(raw, str):
        raise Unreadable("is not a text")
    return unicodedata.normalize("NFKC", raw).strip().replace("−", "-")


def _text(raw: Any) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 2**53:
        return str(int(raw))
    if isinstance(raw, (int, Decimal)) or (isinstance(raw, float) and math.isfinite(raw)):
        return str(raw)
    if isinstance(raw, datetime):
        return raw.date().isoformat() if raw.time() == time() else raw.isoformat()
    if isinstance(raw, (date, time)):
        return raw.isoformat()
    raise Unreadable("is not a text")


def _choice(raw: Any, choices: Sequence[str]) -> str:
    found = _plain(_text(raw)).lower().replace(" ", "_").replace("-", "_")
    if found not in choices:
        raise Unreadable(f"is none of {', '.join(choices)}")
    return found


def _email(raw: Any) -> str:
    found = _plain(raw).lower()
    if not _EMAIL.fullmatch(found):
        raise Unreadable("is not one e-mail address")
    return found


def _currency(raw: Any) -> str:
    found = _plain(raw).upper()
    if not _CURRENCY.fullmatch(found):
        raise Unreadable("is not an ISO currency code such as JPY")
    return found


def _number(raw: Any) -> Decimal:
    if isinstance(raw, bool):
        raise Unreadable("is not a number")
    if isinstance(raw, (int, float, Decimal)):
        found = Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)
    else:
        found = _typed_number(_plain(raw))
    if not found.is_finite():
        raise Unreadable("is not a finite number")
    if abs(found) >= Decimal(10) ** 18:
        raise Unreadable("is too large to be meant")
    return found


def _typed_number(text: str) -> Decimal:
    negative = text.startswith("(") and text.endswith(")")
    digits = text[1:-1].strip() if negative else text
    percent = digits.endswith("%")
    digits = digits.removesuffix("%").strip()
    if not digits or not _NUMBER.fullmatch(digits):
        raise Unreadable("is not a number; write digits, a point for decimals, no unit: 1234.5")
    try:
        found = Decimal(digits.replace(",", ""))
    except InvalidOperation:
        raise Unreadable("is not a number") from None
    found = -found if negative else found
    return found / 100 if percent else found


def _whole(raw: Any) -> int:
    found = _number(raw)
    if found != found.to_integral_value():
        raise Unreadable("is not a whole number")
    return int(found)


def _date(raw: Any) -> date:
    if isinstance(raw, datetime):
        if raw.time() != time():
            raise Unreadable("is a moment where a day is due")
        return _possible(raw.date())
    if isinstance(raw, date):
        return _possible(raw)
    if isinstance(raw, (int, float)) and not isinstance(raw, bool):
        raw = _text(raw)
    text = _plain(raw).removesuffix("T00:00:00").removesuffix(" 00:00:00")
    for pattern in (_DATE, _KANJI_DATE, _COMPACT):
        found = pattern.fullmatch(text)
        if found:
            parts = [int(part) for part in found.groups() if part.isdecimal()]
            return _day(parts[0], parts[1], parts[2])
    if _SERIAL.fullmatch(text) and int(float(text)) in SERIALS:
        if float(text) % 1:
            raise Unreadable("is a moment where a day is due")
        return SERIAL_ZERO + timedelta(days=int(float(text)))
    if _YEAR_LAST.fullmatch(text):
        raise Unreadable("could be day/month or month/day; write the year first: 2026-11-30")
    raise Unreadable("is not a date; write the year first: 2026-11-30 or 2026年11月30日")


def _day(year: int, month: int, day: int) -> date:
    try:
        return _possible(date(year, month, day))
    except ValueError as problem:
        if isinstance(problem, Unreadable):
            raise
        raise Unreadable("is a day that does not exist") from None


def _possible(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Unreadable(f"is a date outside the years {FIRST_YEAR} to {LAST_YEAR}")
    return day


def _month(raw: Any) -> date:
    """The first day of a month; a spreadsheet turns 2026-11 into such a day by itself."""
    if isinstance(raw, str):
        found = _MONTH.fullmatch(_plain(raw))
        if found:
            year, month = (int(part) for part in found.groups() if part)
            return _day(year, month, 1)
    return _date(raw).replace(day=1)


def _moment(raw: Any, zone: ZoneInfo) -> datetime:
    if isinstance(raw, datetime):
        _possible(raw.date())
        return raw.replace(tzinfo=raw.tzinfo or zone).astimezone(UTC)
    if isinstance(raw, str):
        text = _plain(raw)
        day, gap, clock = text.partition("T" if "T" in text else " ")
        if gap:
            return _at(_date(day), clock.strip(), zone)
        if _SERIAL.fullmatch(text):
            raw = float(text)
    if isinstance(raw, float) and raw % 1 and int(raw) in SERIALS:
        since = timedelta(seconds=round(raw % 1 * 86400))
        started = datetime.combine(SERIAL_ZERO + timedelta(days=int(raw)), time())
        return (started + since).replace(tzinfo=zone).astimezone(UTC)
    return datetime.combine(_date(raw), time(), zone).astimezone(UTC)


def _at(day: date, clock: str, zone: ZoneInfo) -> datetime:
    found = _CLOCK.fullmatch(clock)
    if not found:
        raise Unreadable("has a time that cannot be read; write 2026-11-30 14:05")
    hour, minute, second, offset = found.groups()
    stated = f"{int(hour):02}:{minute}:{second or '00'}"
    try:
        moment = datetime.fromisoformat(f"{day}T{stated}{offset or ''}")
    except ValueError:
        raise Unreadable("has a time that does not exist") from None
    return moment.replace(tzinfo=moment.tzinfo or zone).astimezone(UTC)


_READERS: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "code": lambda raw: _plain(_text(raw)).lower(),
    "email": _email,
    "currency": _currency,
    "number": _number,
    "whole": _whole,
    "date": _date,
    "month": _month,
}
