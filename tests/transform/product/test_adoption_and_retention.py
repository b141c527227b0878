"""Adoption, star players, activation and retention, against a second implementation and by hand."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pandas as pd
import pytest

from tests.transform.warehouse import Dbt

from .made import build_on
from .second_opinion import kaplan_meier, period_start, quantile, retention

# The product tells from Thursday 1 January to Saturday 27 June; today is the day after that.
FIRST, TOLD, TODAY = date(2026, 1, 1), date(2026, 6, 27), date(2026, 6, 28)
WEEKS = [date(2026, 6, 15) - timedelta(weeks=n) for n in range(21)]
FEATURES = {
    "report_viewed": "reports",
    "report_created": "reports",
    "dashboard_shared": "dashboards",
    "api_call": "api",
    "app_opened": None,
}
PLANS = {"a0": "Reports, api", "a1": "reports", "a2": None, "a3": "reports,imports,api"}
SELECT = (
    "int_account_user_days int_usage_weeks int_usage_windows int_feature_user_weeks"
    " int_feature_entitlements int_feature_weeks int_star_players int_account_starts"
    " int_account_goals int_usage_periods path:models/marts/product activation_steps"
)


def random_use() -> list[tuple[str, str, date, str, int]]:
    """(account, user, day, event, times); some users stop, some come every day, some never."""
    chance = random.Random(5)
    made = []
    for account in [f"a{n}" for n in range(12)]:
        for number in range(chance.randrange(1, 7)):
            begins = chance.randrange(0, 150)
            ends = begins + chance.choice([5, 40, 178])
            eagerness = chance.choice([0.05, 0.25, 0.7])
            for ago in range(begins, min(ends, 178)):
                if chance.random() < eagerness:
                    for event in chance.sample(list(FEATURES), chance.randrange(1, 4)):
                        day = FIRST + timedelta(days=ago)
                        made.append((account, f"{account}-{number}", day, event, 2))
    return made


# By hand: started on 1 April, and reached first value (a first report) or did not.
STARTS = {f"a{n}": FIRST + timedelta(days=9 * n) for n in range(12)} | {
    "early": date(2025, 12, 31),
    "trial": date(2026, 4, 1),
    "slow": date(2026, 4, 1),
    "in_time": date(2026, 4, 1),
    "a_day_late": date(2026, 4, 1),
    "never": date(2026, 4, 1),
    "young": date(2026, 6, 20),
    "future": date(2026, 6, 28),
    "unmapped": date(2026, 4, 1),
    "alone": date(2026, 4, 1),
}
BY_HAND = [
    ("trial", "t", date(2026, 3, 20), "report_created", 3),
    ("trial", "u", date(2026, 3, 30), "report_created", 1),
    ("trial", "u", date(2026, 4, 2), "dashboard_shared", 1),
    ("in_time", "i", date(2026, 5, 1), "report_created", 1),
    ("a_day_late", "l", date(2026, 5, 2), "report_created", 1),
    ("slow", "s", date(2026, 4, 3), "report_created", 2),
    ("slow", "z", date(2026, 4, 5), "report_created", 1),
    ("slow", "s", date(2026, 6, 10), "dashboard_shared", 1),
    ("alone", "o", date(2026, 4, 3), "report_created", 9),
    ("alone", "o", date(2026, 4, 3), "dashboard_shared", 1),
    ("early", "e", date(2026, 1, 2), "report_created", 1),
    ("young", "y", date(2026, 6, 28), "report_created", 1),
]
USE = random_use() + BY_HAND
CORE = [row for row in USE if FEATURES[row[3]] and row[2] <= TOLD]


def tables() -> dict[str, pd.DataFrame]:
    """The intermediate tables that the marts stand on."""
    accounts = sorted(STARTS)
    activity = pd.DataFrame(
        [
            {
                "account_id": account,
                "source": "mixpanel",
                "day": day,
                "user_key": user,
                "event_name": event,
                "is_core": FEATURES[event] is not None,
                "is_connection": event == "app_opened",
                "feature": FEATURES[event],
                "integration": None,
                "events": times,
                "last_at": pd.Timestamp(day),
            }
            for account, user, day, event, times in USE
        ]
    ).astype({"integration": "string"})
    days = pd.date_range(FIRST - timedelta(days=60), TODAY)
    months = sorted({day.replace(day=1) for day in days.date})
    return {
        "int_account_activity_daily": activity,
        "int_days": pd.DataFrame(
            {"day": days.date, "week_start": [period_start(day, "week") for day in days.date]}
        ),
        "int_product_horizon": pd.DataFrame({"day": [TOLD]}),
        "int_product_coverage": pd.DataFrame({"source": ["mixpanel"], "known_through": [TOLD]}),
        "int_product_users": pd.DataFrame(
            {
                "account_id": ["a0", "a0"],
                "created_at": [pd.Timestamp("2026-01-01"), pd.Timestamp("2026-02-01")],
                "is_excluded": [False, False],
            }
        ),
        "int_account_links": pd.DataFrame(
            {
                "source": "mixpanel",
                "source_id": accounts,
                "kind": "product",
                "account_id": accounts,
                "linked_from": pd.Timestamp("2026-01-01"),
            }
        ),
        "int_account_master": pd.DataFrame(
            {"account_id": accounts, "has_product": [name != "unmapped" for name in accounts]}
        ),
        "int_account_contracts": pd.DataFrame(
            {"account_id": accounts, "first_paid_on": [STARTS[name] for name in accounts]}
        ),
        "int_item_mrr": pd.DataFrame(
            [
                {
                    "account_id": account,
                    "month_on": month,
                    "product_features": features,
                    "not_counted_because": why,
                }
                for account, features in PLANS.items()
                for month in months
                for why in (None, "trialing")
                if why is None or account == "a1"
            ]
            + [
                {
                    "account_id": "a1",
                    "month_on": month,
                    "product_features": "api",
                    "not_counted_because": "trialing",
                }
                for month in months
            ]
        ).astype({"not_counted_because": "string"}),
    }


@pytest.fixture(scope="module")
def warehouse(
    dbt: Dbt, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    data_dir = tmp_path_factory.mktemp("adoption")
    # The seed of activation is read as it is shipped: 1 report within 30 days; 3 reports of 2
    # users and a shared dashboard.
    with build_on(dbt, data_dir, tables(), SELECT, f"{TODAY}T12:00:00Z") as con:
        yield con


def ratio(part: int, whole: int) -> Decimal | None:
    return round(Decimal(part) / whole, 6) if whole else None


def window(week: date) -> tuple[date, date]:
    return week - timedelta(days=21), week + timedelta(days=6)


def active_days(week: date, account: str, feature: str | None = None) -> dict[str, set[date]]:
    """User -> days with core use in the four weeks up to the week."""
    first, last = window(week)
    found: dict[str, set[date]] = defaultdict(set)
    for who, user, day, event, _ in CORE:
        if who == account and first <= day <= last and feature in (None, FEATURES[event]):
            found[user].add(day)
    return found


def test_adoption_of_each_feature_and_week_is_that_of_a_second_implementation(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = warehouse.execute(
        "select account_id, feature, week_start, is_entitled, users, users_4w, active_users_4w,"
        " user_share, weeks_used_4w, is_adopted, frequent_users_4w, depth"
        " from marts.feature_adoption"
    ).fetchall()
    expected = {}
    for account in STARTS:
        plan = [part.strip().lower() for part in (PLANS.get(account) or "").split(",") if part]
        for week in WEEKS:
            everybody = active_days(week, account)
            for feature in {"reports", "dashboards", "api", "imports"}:
                users = active_days(week, account, feature)
                if not users and feature not in plan:
                    continue
                days = set().union(*users.values())
                weeks = {period_start(day, "week") for day in days}
                often = sum(len(of_user) >= 10 for of_user in users.values())
                expected[account, feature, week] = (
                    feature in plan if plan else None,
                    sum(any(day >= week for day in of_user) for of_user in users.values()),
                    len(users),
                    len(everybody),
                    ratio(len(users), len(everybody)),
                    len(weeks),
                    len(weeks) >= 2,
                    often,
                    ratio(often, len(users)),
                )
    # The window of the first week needs the three before it, and the last week is not over.
    assert min(week for _, _, week in expected) >= date(2026, 1, 26)
    assert {row[:3]: row[3:] for row in rows} == expected
    assert len(rows) > 300


def test_star_players_and_breadth_are_those_of_a_second_implementation(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = warehouse.execute(
        "select account_id, week_start, active_users_4w, star_players, has_star_player,"
        " star_player_share, star_player_event_share, entitled_features, breadth"
        " from marts.account_adoption_weekly where account_id like 'a_'"
    ).fetchall()
    assert len(rows) == 10 * len(WEEKS)
    for account, week, *found in rows:
        users = active_days(week, account)
        stars = {user for user, days in users.items() if len(days) >= 10}
        first, last = window(week)
        events = [
            (user, times)
            for who, user, day, _, times in CORE
            if who == account and first <= day <= last
        ]
        plan = [part.strip().lower() for part in (PLANS.get(account) or "").split(",") if part]
        adopted = [
            feature
            for feature in plan
            if len({
                period_start(day, "week")
                for days in active_days(week, account, feature).values()
                for day in days
            }) >= 2
        ]  # fmt: skip
        assert found == [
            len(users),
            len(stars),
            bool(stars),
            ratio(len(stars), len(users)),
            ratio(sum(t for user, t in events if user in stars), sum(t for _, t in events)),
            len(plan) or None,
            ratio(len(adopted), len(plan)),
        ]


def test_stickiness_is_the_mean_of_28_days_and_unknown_before_there_are_so_many(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = warehouse.execute(
        "select day, connections, stickiness, weekly_stickiness from marts.account_usage_daily"
        " where account_id = 'a0'"
    ).fetchall()
    days = {day: {user for who, user, at, _, _ in CORE if (who, at) == ("a0", day)}
            for day, *_ in rows}  # fmt: skip
    for day, connections, sticky, weekly in rows:
        last_28 = [days.get(day - timedelta(days=n), set()) for n in range(28)]
        month = len(set().union(*last_28))
        if day > TOLD:
            assert (connections, sticky, weekly) == (None, None, None)
            continue
        opened = sum(t for who, _, at, e, t in USE if (who, at, e) == ("a0", day, "app_opened"))
        assert connections == opened
        assert weekly == ratio(len(set().union(*last_28[:7])), month)
        if day < FIRST + timedelta(days=27) or not month:
            assert sticky is None
        else:
            assert float(sticky) == pytest.approx(sum(map(len, last_28)) / 28 / month, abs=1e-6)


@pytest.mark.parametrize("unit", ["user", "account"])
@pytest.mark.parametrize(("period", "oldest"), [("day", 30), ("week", 26), ("month", 24)])
def test_retention_is_that_of_a_second_implementation(
    warehouse: duckdb.DuckDBPyConnection, unit: str, period: str, oldest: int
) -> None:
    rows = warehouse.execute(
        "select cohort_on, age, cohort_size, returned, returned_or_later, bounded_retention,"
        " unbounded_retention, null_reason from marts.usage_retention"
        " where unit = ? and period = ?",
        [unit, period],
    ).fetchall()
    seen = [(row[1] if unit == "user" else row[0], row[2]) for row in CORE]
    expected = retention(seen, period, oldest, TOLD)
    began = min(day for _, day in seen)
    assert {(cohort, age) for cohort, age, *_ in rows} == set(expected)
    for cohort, age, size, back, back_or_later, bounded, unbounded, reason in rows:
        members, returned, returned_or_later = expected[cohort, age]
        assert size == members
        if cohort < began + timedelta(days=28):
            assert (back, back_or_later, reason) == (None, None, "before_the_data")
        elif returned is None:
            assert (back, back_or_later, reason) == (None, None, "immature")
        else:
            assert (back, back_or_later, reason) == (returned, returned_or_later, None)
            assert bounded == ratio(returned, members)
            assert unbounded == ratio(returned_or_later or 0, members)


def goals(con: duckdb.DuckDBPyConnection, account: str, goal: str) -> Any:
    return con.execute(
        "select reached_on::varchar, days_to_goal, days_watched, is_reached_in_time, null_reason"
        " from marts.account_activation where account_id = ? and goal = ?",
        [account, goal],
    ).fetchone()


@pytest.mark.parametrize(
    ("account", "goal", "expected"),
    [
        ("in_time", "first_value", ("2026-05-01", 30, 30, True, None)),
        ("a_day_late", "first_value", ("2026-05-02", 31, 31, False, None)),
        ("never", "first_value", (None, None, 87, False, None)),
        ("young", "first_value", (None, None, 7, None, "immature")),
        ("future", "first_value", (None, None, None, None, "not_told")),
        ("unmapped", "first_value", (None, None, None, None, "unmapped")),
        ("early", "first_value", (None, None, None, None, "before_the_data")),
        ("trial", "first_value", ("2026-03-20", 0, 0, True, None)),
        # The last of three reports and two users came on 30 March, the dashboard on 2 April.
        ("trial", "activation", ("2026-04-02", 1, 1, True, None)),
        ("slow", "activation", ("2026-06-10", 70, 70, False, None)),
        ("alone", "activation", (None, None, 87, False, None)),
    ],
)
def test_goals_reached_by_hand(
    warehouse: duckdb.DuckDBPyConnection, account: str, goal: str, expected: tuple[Any, ...]
) -> None:
    assert goals(warehouse, account, goal) == expected


def test_activation_counts_only_cohorts_that_had_all_their_days(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = {
        month: values
        for month, *values in warehouse.execute(
            "select cohort_on::varchar, accounts, accounts_watched, reached_before_start,"
            " reached_in_time, null_reason from marts.activation where goal = 'first_value'"
        ).fetchall()
    }
    assert rows["2025-12-01"] == [1, 0, 0, None, "not_watched"]
    assert rows["2026-06-01"] == [2, 1, 0, None, "immature"]
    # Of a10 (1 April), a11 (10 April) and seven by hand one has no product record.
    mine = [account for account, start in STARTS.items() if start.month == 4]
    assert rows["2026-04-01"][:2] == [len(mine), len(mine) - 1]
    assert rows["2026-04-01"][4] is None


@pytest.mark.parametrize("goal", ["first_value", "activation"])
def test_time_to_value_is_the_kaplan_meier_median(
    warehouse: duckdb.DuckDBPyConnection, goal: str
) -> None:
    watched = warehouse.execute(
        "select days_watched, reached_on is not null, started_on from marts.account_activation"
        " where goal = ? and days_watched is not null",
        [goal],
    ).fetchall()
    rows = warehouse.execute(
        "select cohort, accounts, censored, first_quarter_days, median_days, median_null_reason,"
        " reached_share from marts.time_to_value where goal = ?",
        [goal],
    ).fetchall()
    assert [row[0] for row in sorted(rows)] == ["2026-Q1", "2026-Q2", "all"]
    for cohort, accounts, censored, quarter, median, reason, share in rows:
        mine = [
            (days, reached)
            for days, reached, start in watched
            if cohort in ("all", f"{start.year}-Q{(start.month + 2) // 3}")
        ]
        curve = kaplan_meier(mine)
        assert (accounts, censored) == (len(mine), sum(not reached for _, reached in mine))
        assert quarter == quantile(curve, Fraction(1, 4))
        assert median == quantile(curve, Fraction(1, 2))
        assert reason == ("fewer_than_half" if median is None else None)
        left = curve[-1][1] if curve else Fraction(1)
        assert float(share) == pytest.approx(float(1 - left), abs=1e-6)


def test_the_second_implementation_gives_a_textbook_curve() -> None:
    # Reached after 1, 3, 3, 6 days; looked away after 2 and 5: 5/6, then x 2/4, then x 0/1.
    watched = [(1, True), (2, False), (3, True), (3, True), (5, False), (6, True)]
    curve = kaplan_meier(watched)
    assert curve == [(1, Fraction(5, 6)), (3, Fraction(5, 12)), (6, Fraction(0))]
    assert quantile(curve, Fraction(1, 2)) == 3
    assert quantile(kaplan_meier([(1, True), (9, False), (9, False)]), Fraction(1, 2)) is None
