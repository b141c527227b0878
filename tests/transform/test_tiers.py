"""Tiers of made-up customers on every day of a year and a half, against a second implementation."""

from __future__ import annotations

import random
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import pandas as pd
import pytest

from tests.transform.product.made import build_on
from tests.transform.warehouse import Dbt

TODAY = date(2026, 6, 10)
MONTHS = [date(2025 + n // 12, n % 12 + 1, 1) for n in range(18)]
SELECT = (
    "tiers int_tier_rules_met int_tier_months int_tier_reasons int_tier_ranges int_account_tiers"
    " account_tiers account_tier_history"
)
ORDER = {"touch": ("tech", "low", "high"), "value": ("C", "B", "A")}


@dataclass(frozen=True)
class Month:
    """What is known of a customer at the end of a month, or today."""

    on: date
    arr: int | None
    complexity: int
    motion: str | None
    employees: int | None
    renewed_on: date | None

    @property
    def is_today(self) -> bool:
        return self.on == TODAY.replace(day=1)

    @property
    def measured_on(self) -> date:
        last = self.on.replace(day=monthrange(self.on.year, self.on.month)[1])
        return TODAY if self.is_today else last


@dataclass(frozen=True)
class Decision:
    """A touch tier decided by hand; a strategic account when it comes from the seed."""

    source: str
    tier: str
    from_on: date
    ends_on: date | None


def customers() -> dict[str, list[Month]]:
    chance = random.Random(3)
    made = {}
    for number in range(60):
        arr, months = chance.choice([9_000, 11_000, 49_000, 52_000, 98_000, 101_000]), []
        employees = chance.choice([None, 50, 200, 999, 1000])
        motion = chance.choice([None, "self_serve", "hybrid", "sales_led"])
        away = set(range(chance.randrange(18), chance.randrange(18)))
        for place, on in enumerate(MONTHS):
            arr = max(0, arr + chance.choice([0, 0, -2500, 2500, -45_000, 45_000]))
            if place in away or (number % 3 == 0 and place < 5):
                continue
            renewed = on + timedelta(days=chance.randrange(9)) if chance.random() < 0.1 else None
            known = None if chance.random() < 0.1 else arr
            months.append(Month(on, known, chance.randrange(3), motion, employees, renewed))
        if months:
            made[f"c{number}"] = months
    return made


def decisions(names: list[str]) -> dict[str, list[Decision]]:
    chance = random.Random(4)
    made: dict[str, list[Decision]] = {}
    for name in names[::2]:
        for source in chance.choice([["files"], ["files", "seed"], ["files", "files"]]):
            from_on = date(2025, 1, 1) + timedelta(days=chance.randrange(520))
            ends_on = from_on + timedelta(days=chance.choice([20, 200, 365]))
            tier = "high" if source == "seed" else chance.choice(["high", "low", "tech"])
            forever = source == "seed" and chance.random() < 0.5
            if all(other.from_on != from_on for other in made.get(name, [])):
                made.setdefault(name, []).append(
                    Decision(source, tier, from_on, None if forever else ends_on)
                )
    return made


CUSTOMERS = customers()
DECISIONS = decisions(sorted(CUSTOMERS))


def rule(kind: str, month: Month) -> int | None:
    """The place (0 the least) of the tier that the rules of version v1 give; None = unknown."""
    arr, many = month.arr, month.employees or 0
    if kind == "value":
        if many >= 1000:
            return 2
        if arr is None:
            return None
        return 2 if arr >= 50_000 else 1 if arr >= 10_000 or many >= 200 else 0
    if arr is None:
        return None
    if arr >= 100_000 or (arr >= 50_000 and month.complexity >= 2):
        return 2
    return 1 if arr >= 10_000 and month.motion != "self_serve" else 0


def moves(kind: str, months: list[Month]) -> list[tuple[date, date, int | None, str]]:
    """(from, to exclusive, place, because) as month-ends decide, month after month."""
    found: list[tuple[date, date, int | None, str]] = []
    place: int | None = None
    asked: int | None = None
    previous: Month | None = None
    for month in months:
        wanted = rule(kind, month)
        returned = previous is None or (previous.measured_on + timedelta(days=1)) != month.on
        if returned:
            if previous is not None:
                found[-1] = (found[-1][0], previous.measured_on + timedelta(days=1), *found[-1][2:])
            place = asked = None
        decided_on = month.measured_on + timedelta(days=0 if month.is_today else 1)
        became, because = place, ""
        if wanted is not None and place is None:
            became, because = wanted, "first"
        elif wanted is not None and month.renewed_on:
            became, because, decided_on = wanted, "renewal", month.renewed_on
        elif wanted is not None and asked is not None and not month.is_today:
            # Two in a row: the step that both ask for at least.
            assert place is not None
            if wanted > place and asked > place:
                became, because = min(wanted, asked), "two_month_ends"
            elif wanted < place and asked < place:
                became, because = max(wanted, asked), "two_month_ends"
        if returned:
            found.append((month.on, date.max, became, because or "unknown"))
        elif became != place:
            found[-1] = (found[-1][0], decided_on, *found[-1][2:])
            found.append((decided_on, date.max, became, because))
        place, asked, previous = became, wanted, month
    if previous is not None and not previous.is_today:
        found[-1] = (found[-1][0], previous.measured_on + timedelta(days=1), *found[-1][2:])
    return [move for move in found if move[0] < move[1]]


def tier_on(name: str, kind: str, day: date) -> tuple[str | None, str] | None:
    """The tier of a day and what began it; None for a day without a tier or a customer."""
    for from_on, to_on, place, because in moves(kind, CUSTOMERS[name]):
        if from_on <= day < to_on:
            by_hand = [
                decision
                for decision in DECISIONS.get(name, [])
                if kind == "touch"
                and decision.from_on <= day
                and (decision.ends_on is None or day < decision.ends_on)
            ]
            if by_hand:
                last = max(by_hand, key=lambda decision: decision.from_on)
                return last.tier, "strategic" if last.source == "seed" else "override"
            return (None if place is None else ORDER[kind][place]), because
    return None


@pytest.fixture(scope="module")
def warehouse(
    dbt: Dbt, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    facts = pd.DataFrame(
        [
            {
                "account_id": name,
                "month_on": month.on,
                "measured_on": month.measured_on,
                "is_closed": not month.is_today,
                "arr": month.arr,
                "products": 1,
                "currencies": 1,
                "integrations": 0,
                "child_accounts": 0,
                "employee_count": month.employees,
                "first_paid_on": date(2024, 1, 1),
                "renewed_on": month.renewed_on,
                "motion": month.motion,
                "complexity": month.complexity,
                "customers_below": 0,
                "other_customers": 0,
            }
            for name, months in CUSTOMERS.items()
            for month in months
        ]
    ).astype({"arr": "Int64", "employee_count": "Int64", "motion": "string"})
    by_hand = pd.DataFrame(
        [
            {
                "source": decision.source,
                "source_id": f"{name}:{decision.from_on}",
                "account_id": name,
                "touch_tier": decision.tier,
                "author": "Mia",
                "reason": "because",
                "from_on": decision.from_on,
                "ends_on": decision.ends_on,
                "is_in_force": decision.from_on <= TODAY
                and (decision.ends_on is None or decision.ends_on > TODAY),
            }
            for name, made in DECISIONS.items()
            for decision in made
            if decision.from_on <= TODAY
        ]
    )
    with build_on(
        dbt,
        tmp_path_factory.mktemp("tiers"),
        {"int_tier_facts": facts, "int_tier_overrides": by_hand},
        SELECT,
        f"{TODAY}T12:00:00Z",
    ) as con:
        yield con


def test_the_tier_of_every_day_is_that_of_a_second_implementation(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    ranges: dict[tuple[str, str], list[tuple[date, date, str | None, str]]] = {}
    for name, kind, *values in warehouse.execute(
        "select account_id, tier_kind, valid_from, coalesce(valid_to, date '9999-12-31'), tier,"
        " because from marts.account_tier_history order by valid_from"
    ).fetchall():
        ranges.setdefault((name, kind), []).append(tuple(values))
    reasons = set()
    for name in CUSTOMERS:
        for kind in ORDER:
            # Only where something changes, and the day before, can the two differ.
            mine = moves(kind, CUSTOMERS[name])
            edges = {day for move in mine for day in move[:2] if day < TODAY} | {
                day
                for decision in DECISIONS.get(name, [])
                for day in (decision.from_on, decision.ends_on or TODAY)
            }
            for day in {TODAY} | edges | {edge - timedelta(days=1) for edge in edges}:
                if day > TODAY:
                    continue
                found = [row[2:] for row in ranges.get((name, kind), []) if row[0] <= day < row[1]]
                expected = tier_on(name, kind, day)
                assert found == ([] if expected is None else [expected]), (name, kind, day)
                reasons |= {because for _, because in found}
    assert reasons == {"first", "two_month_ends", "renewal", "override", "strategic", "unknown"}


def test_what_holds_a_tier_today_is_said(warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = warehouse.execute(
        "select account_id, touch_tier, touch_tier_of_rules, touch_tier_basis, touch_tier_reason,"
        " value_tier, value_tier_basis from marts.account_tiers"
    ).fetchall()
    today = {name: months[-1] for name, months in CUSTOMERS.items() if months[-1].is_today}
    assert {row[0] for row in rows} == set(today)
    bases = set()
    for name, tier, of_rules, basis, reason, value, value_basis in rows:
        wanted = rule("touch", today[name])
        expected, because = tier_on(name, "touch", TODAY) or (None, "")
        assert tier == expected
        assert of_rules == (None if wanted is None else ORDER["touch"][wanted])
        if because in ("override", "strategic"):
            assert basis == because
        else:
            same = "rule" if tier == of_rules else "held"
            assert basis == ("unknown" if tier is None else same)
        assert reason.startswith("Stays until two month-ends") == (
            basis == "held" and wanted is not None
        )
        assert (value, value_basis == "unknown") == (
            (tier_on(name, "value", TODAY) or (None, ""))[0],
            value is None,
        )
        bases.add(basis)
    assert bases >= {"rule", "held", "override", "strategic"}
