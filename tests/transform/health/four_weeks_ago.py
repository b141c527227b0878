"""Some customers as they were stored four weeks before AS_OF, and what came late of that day.

On that day, 18 October 2026, v1 was in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb

from .customers import AS_OF
from .scoring import score

DAY = (AS_OF - timedelta(days=28)).date()
USUAL = {
    "active_to_licensed": "0.40",
    "active_to_issued": "0.55",
    "active_user_trend_28d": "-0.10",
    "days_since_core_use": "3",
    "feature_breadth": "0.25",
    "star_players": "1",
    "integrations_in_use": "2",
    "days_since_contact": "20",
    "overdue_days": "0",
}


@dataclass(frozen=True)
class Before:
    """A customer of low touch on that day: its measures, and those that are known otherwise now.

    `raised_by` are points that its stored score has beyond those of its measures.
    """

    name: str
    tenure_days: int
    stored: Mapping[str, str] = field(default_factory=lambda: USUAL)
    came_late: Mapping[str, str] = field(default_factory=dict)
    was_replayed: bool = False
    raised_by: str = "0"

    def points(self, version: str, *, with_late_data: bool) -> dict[str, Fraction]:
        """Points of each measure of that day, as the second implementation sees it."""
        known = {**self.stored, **(self.came_late if with_late_data else {})}
        values = {measure: Fraction(value) for measure, value in known.items()}
        return score("low", "low", self.tenure_days, values, version).points

    def stored_score(self) -> Decimal:
        """The score that was stored, to hundredths."""
        exact = sum(self.points("v1", with_late_data=False).values(), start=Fraction(0))
        return Decimal(round(exact * 100)) / 100 + Decimal(self.raised_by)


BEFORE = (
    Before("full", 382, came_late={"active_to_licensed": "0.80"}, was_replayed=True),
    Before("steady", 382, was_replayed=True),
    Before("late", 382, raised_by="-3.5"),
)


def plant(data_dir: Path) -> None:
    """Write that day into the histories, as if it had been stored and, of some, replayed."""
    with duckdb.connect(str(data_dir / "warehouse.duckdb")) as con:
        for who in BEFORE:
            account = f"hubspot:h_{who.name}"
            _write_day(con, who, who.stored, "marts.health_measures_daily", "loaded_at")
            if who.was_replayed:
                again = "intermediate.int_health_days_again"
                _write_day(con, who, {**who.stored, **who.came_late}, again, "replayed_at")
            con.execute(
                "insert into marts.customer_health_history (account_id, day, health_version,"
                " is_in_force, health_scorecard, health_raw_score, health_score, health_band)"
                " values (?, ?, 'v1', true, 'low', ?, ?, 'yellow')",
                [account, DAY, who.stored_score(), who.stored_score()],
            )


def _write_day(
    con: duckdb.DuckDBPyConnection,
    who: Before,
    values: Mapping[str, str],
    table: str,
    written_at: str,
) -> None:
    """A row like the one of a week ago, but for its day, tenure and the values given."""
    known = ", ".join(
        f"{value} as {measure}, null as {measure}_null_reason,"
        f" timestamp '{DAY}' as {measure}_input_at"
        for measure, value in values.items()
    )
    con.execute(
        f"insert into {table} by name select * exclude (loaded_at) replace (date '{DAY}' as day,"
        f" {who.tenure_days} as tenure_days, 5 as active_user_trend_28d_sample, {known}),"
        f" loaded_at as {written_at}"
        " from marts.health_measures_daily where account_id = ? and day = '2026-11-08'",
        [f"hubspot:h_{who.name}"],
    )
