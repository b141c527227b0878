"""Retention, adoption and Kaplan-Meier once more, from the definitions and without SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from fractions import Fraction

Seen = Iterable[tuple[str, date]]


def period_start(day: date, period: str) -> date:
    """The first day of the calendar day, week (from Monday) or month that the day lies in."""
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day


def later(start: date, period: str, periods: int) -> date:
    """The first day of the period that begins so many periods later."""
    if period == "month":
        months = start.year * 12 + start.month - 1 + periods
        return date(months // 12, months % 12 + 1, 1)
    return start + timedelta(days=periods * (7 if period == "week" else 1))


def retention(
    seen: Seen, period: str, oldest: int, last_day: date
) -> dict[tuple[date, int], tuple[int, int | None, int | None]]:
    """(cohort, age) -> (cohort size, back in that period, back in it or later).

    The counts are None where the period was not over on `last_day`; periods that begin after it
    are left out.
    """
    periods: dict[str, set[date]] = defaultdict(set)
    for who, day in seen:
        if day <= last_day:
            periods[who].add(period_start(day, period))
    cohorts: dict[date, list[set[date]]] = defaultdict(list)
    for came in periods.values():
        cohorts[min(came)].append(came)
    cells: dict[tuple[date, int], tuple[int, int | None, int | None]] = {}
    for cohort, members in cohorts.items():
        for age in range(oldest + 1):
            start = later(cohort, period, age)
            if start > last_day:
                break
            over = later(cohort, period, age + 1) <= last_day + timedelta(days=1)
            cells[cohort, age] = (
                len(members),
                sum(start in came for came in members) if over else None,
                sum(max(came) >= start for came in members) if over else None,
            )
    return cells


def kaplan_meier(watched: Sequence[tuple[int, bool]]) -> list[tuple[int, Fraction]]:
    """(days, share that has not got there by then) after each day on which somebody got there.

    `watched` are (days, got there) of each account; whoever was watched for just as long as
    somebody else needed was still there to get there.
    """
    curve, left = [], Fraction(1)
    for day in sorted({days for days, reached in watched if reached}):
        there = sum(days >= day for days, _ in watched)
        reached = sum(days == day and got for days, got in watched)
        left *= 1 - Fraction(reached, there)
        curve.append((day, left))
    return curve


def quantile(curve: Sequence[tuple[int, Fraction]], share: Fraction) -> int | None:
    """Days after which so large a share has got there; None when the curve never gets so far."""
    return next((day for day, left in curve if 1 - left >= share), None)
