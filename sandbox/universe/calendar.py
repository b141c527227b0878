"""Calendar arithmetic on epoch seconds, all in UTC."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime

DAY = 86_400


def add_months(epoch: int, months: int, anchor_day: int | None = None) -> int:
    """Return `epoch` moved by whole months; the day is `anchor_day` or the month's last one."""
    at = datetime.fromtimestamp(epoch, UTC)
    year, month0 = divmod(at.year * 12 + at.month - 1 + months, 12)
    day = min(anchor_day or at.day, monthrange(year, month0 + 1)[1])
    moved = at.replace(year=year, month=month0 + 1, day=day)
    return int(moved.timestamp())


def day_of(epoch: int) -> date:
    """Return the UTC date of an epoch second."""
    return datetime.fromtimestamp(epoch, UTC).date()


def midnight(day: date) -> int:
    """Return the epoch second at which a UTC date begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def iso_ms(epoch_ms: int) -> str:
    """Return epoch milliseconds as `2026-01-05T10:00:00.000Z`."""
    at = datetime.fromtimestamp(epoch_ms // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{epoch_ms % 1000:03d}Z"
