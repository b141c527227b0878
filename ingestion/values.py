"""Reading one value of a record as what its column is declared to be."""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestion.tables import Column

BIGINT = range(-(2**63), 2**63)
# Beyond this a floating-point number is no longer exact to the unit.
EXACT = 2**53
# Before and after these years a date is a typing mistake or a stand-in for "none".
FIRST_YEAR, LAST_YEAR = 1900, 2199
# From here on an epoch can only be milliseconds: in seconds it would be the year 5138.
MILLISECONDS_FROM = 10**11
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WHOLE = re.compile(r"[+-]?\d{1,19}")


class Unreadable(ValueError):
    """A value that is not what its column says. The message never holds the value."""


def reader_of(column: Column) -> Callable[[Any], Any]:
    """The function that reads a raw value of `column`; it raises Unreadable, None stays None."""
    read = _READERS[column.kind]
    if not column.means:
        return read
    check = _MEANINGS[column.means]

    def read_and_check(raw: Any) -> Any:
        found = read(raw)
        if found is not None and found != "":
            check(found)
        return found

    return read_and_check


def clean_text(text: str) -> str:
    """`text` without what no database takes: NUL characters and halves of surrogate pairs."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def read_text(raw: Any) -> str | None:
    if raw is None:
        return None
    if isinstance(raw, str):
        return clean_text(raw)
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int):
        return str(raw)
    if isinstance(raw, float) and math.isfinite(raw):
        if abs(raw) >= EXACT:
            # It was a whole number, an id perhaps, and has lost its last digits in parsing.
            raise Unreadable("is a number too large to be read exactly")
        return repr(raw)
    raise Unreadable("is not a text")


def read_bigint(raw: Any) -> int | None:
    if raw is None or raw == "":
        return None
    if isinstance(raw, bool):
        raise Unreadable("is not a whole number")
    if isinstance(raw, str) and _WHOLE.fullmatch(raw.strip()):
        raw = int(raw)
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if not isinstance(raw, int):
        raise Unreadable("is not a whole number")
    if raw not in BIGINT:
        raise Unreadable("does not fit into 64 bits")
    return raw


def read_double(raw: Any) -> float | None:
    if raw is None or raw == "":
        return None
    if isinstance(raw, bool):
        raise Unreadable("is not a number")
    try:
        number = float(raw)
    except (TypeError, ValueError, OverflowError):
        raise Unreadable("is not a number") from None
    if not math.isfinite(number):
        raise Unreadable("is not a finite number")
    return number


def read_bool(raw: Any) -> bool | None:
    if raw is None or raw == "":
        return None
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.strip().lower() in ("true", "false"):
        return raw.strip().lower() == "true"
    raise Unreadable("is neither true nor false")


def read_timestamp(raw: Any) -> datetime | None:
    """UTC. Takes ISO 8601 (without a zone it is UTC) and epochs in seconds or milliseconds."""
    if raw is None or raw == "":
        return None
    if isinstance(raw, str) and not _WHOLE.fullmatch(raw):
        return _from_iso(raw)
    return _from_epoch(read_bigint(raw))


def read_json(raw: Any) -> str | None:
    """JSON text. A text that comes in as JSON text is one: it is not read a second time."""
    if raw is None:
        return None
    try:
        return clean_text(json.dumps(raw, ensure_ascii=False, allow_nan=False))
    except ValueError:
        raise Unreadable("holds a number that is not finite") from None


def _from_iso(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Unreadable("is not a date that exists, written as ISO 8601") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return _possible(moment)


def _from_epoch(number: int | None) -> datetime:
    assert number is not None
    seconds = number / 1000 if abs(number) >= MILLISECONDS_FROM else number
    try:
        return _possible(_EPOCH + timedelta(seconds=seconds))
    except OverflowError:
        raise Unreadable("is a date outside the years 1900 to 2199") from None


def _possible(moment: datetime) -> datetime:
    # The year is looked at first: the offset of a date in year 1 or 9999 cannot be taken away.
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise Unreadable("is a date outside the years 1900 to 2199")
    return moment.astimezone(UTC)


def _is_epoch_in_seconds(number: Any) -> None:
    if abs(number) >= MILLISECONDS_FROM:
        raise Unreadable("is an epoch in milliseconds where seconds are due")
    _from_epoch(number)


_READERS: dict[str, Callable[[Any], Any]] = {
    "text": read_text,
    "bigint": read_bigint,
    "double": read_double,
    "bool": read_bool,
    "timestamp": read_timestamp,
    "json": read_json,
}

_MEANINGS: dict[str, Callable[[Any], Any]] = {
    "number": read_double,
    "moment": read_timestamp,
    "flag": read_bool,
    "epoch": _is_epoch_in_seconds,
}
