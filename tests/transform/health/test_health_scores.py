"""Health scores of some customers, held against hand-made numbers and a second implementation."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest

from .customers import CUSTOMERS, Customer
from .scoring import measure_score, score

CAPS = {"late": Decimal(49), "leaving": Decimal(25)}


def _row(
    con: duckdb.DuckDBPyConnection, name: str, columns: str, mart: str = "customer_360"
) -> Any:
    return con.execute(
        f"select {columns} from marts.{mart} where account_id = ?", [f"hubspot:h_{name}"]
    ).fetchone()


def _hundredths(exact: Fraction) -> Decimal:
    return Decimal(round(exact * 100)) / 100


def test_a_score_worked_out_by_hand(warehouse: duckdb.DuckDBPyConnection) -> None:
    # 8 of 10 seats: 75 + 25 x (0.80 - 0.76) / 0.24 = 79.17; 8 of 10 users: 75; trend 0:
    # 75 + 25 x 0.05 / 0.15 = 83.33; used today: 100.
    # adoption 0.35 x 79.17 + 0.25 x 75 + 0.25 x 83.33 + 0.15 x 100 = 82.292
    # 2 of 4 features: 75; 8 star players: 100; 1 integration: 50.
    # maturity 0.40 x 75 + 0.35 x 100 + 0.25 x 50 = 77.5
    # contact 50 days ago: 75 + 25 x (65 - 50) / 25 = 90; nothing overdue: 100.
    # 0.50 x 82.292 + 0.2857 x 77.5 + 0.1429 x 90 + 0.0714 x 100 = 83.28875
    row = _row(
        warehouse, "steady", "health_score, health_band, health_coverage_pct, health_scorecard"
    )
    assert row == (Decimal("83.29"), "green", Decimal(100), "low")


@pytest.mark.parametrize("who", CUSTOMERS, ids=lambda who: who.name)
def test_the_score_is_that_of_a_second_implementation(
    warehouse: duckdb.DuckDBPyConnection, who: Customer
) -> None:
    expected = score(who.scorecard, who.touch_tier, who.tenure_days, who.values())
    row = _row(
        warehouse,
        who.name,
        "health_scorecard, touch_tier, tenure_days,"
        " health_coverage_pct, health_raw_score, health_score",
    )
    raw = None if expected.raw is None else _hundredths(expected.raw)
    capped = raw if raw is None else min(raw, CAPS.get(who.name, raw))
    coverage = _hundredths(expected.coverage)
    assert row == (who.scorecard, who.touch_tier, who.tenure_days, coverage, raw, capped)


@pytest.mark.parametrize("who", CUSTOMERS, ids=lambda who: who.name)
def test_values_and_points_of_every_driver_are_those_of_a_second_implementation(
    warehouse: duckdb.DuckDBPyConnection, who: Customer
) -> None:
    expected = score(who.scorecard, who.touch_tier, who.tenure_days, who.values())
    rows = warehouse.execute(
        "select measure, raw_value, points from marts.health_score_drivers"
        " where account_id = ? and null_reason is null",
        [f"hubspot:h_{who.name}"],
    ).fetchall()
    values = who.values()
    for measure, value, points in rows:
        assert value == pytest.approx(Decimal(float(values[measure] or 0)), abs=Decimal("0.000001"))
        if expected.raw is not None:
            # Largest remainder moves a hundredth at most.
            assert abs(Fraction(points) - expected.points[measure]) < Fraction(1, 100)
    if expected.raw is not None:
        assert {measure for measure, _, _ in rows} == set(expected.points)
        assert sum(p for _, _, p in rows) == _hundredths(expected.raw)


def test_a_driver_tells_where_red_and_green_begin(warehouse: duckdb.DuckDBPyConnection) -> None:
    # Low touch: 50 points for a contact 90 days ago, 75 for one 65 days ago.
    limits = warehouse.execute(
        "select direction, red_limit, green_limit from marts.health_score_drivers"
        " where account_id = 'hubspot:h_steady' and measure = 'days_since_contact'"
    ).fetchone()
    assert limits == ("lower", Decimal(90), Decimal(65))


def test_nobody_there_is_a_true_zero_and_scores(warehouse: duckdb.DuckDBPyConnection) -> None:
    # Nothing overdue brings 7.14; everything else is known and worth nothing. Only the trend of
    # nobody is unknown: 50 x 0.25 = 12.5 of the weight.
    row = _row(
        warehouse, "silent", "health_score, health_band, active_users_28d, health_coverage_pct"
    )
    assert row == (Decimal("7.14"), "red", 0, Decimal("87.50"))


def test_use_that_nobody_can_see_is_unknown_and_neither_healthy_nor_zero(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # Only contact (14.29) and payment (7.14) are known.
    row = _row(
        warehouse,
        "unmapped",
        "health_score, health_band, health_null_reason, health_coverage_pct,"
        " active_users_28d, priority",
    )
    assert row == (None, "unknown", "unmapped", Decimal("21.43"), None, None)
    reasons = warehouse.execute(
        "select distinct null_reason from marts.health_score_drivers"
        " where account_id = 'hubspot:h_unmapped' and null_reason is not null"
    ).fetchall()
    assert reasons == [("unmapped",)]


@pytest.mark.parametrize(
    ("name", "measure", "reason"),
    [
        ("small", "days_since_contact", "not_applicable"),
        ("small", "active_user_trend_28d", "sample_too_small"),
        ("no_seats", "active_to_licensed", "no_seats"),
        ("new", "days_since_contact", "first_30_days"),
    ],
)
def test_an_unknown_measure_says_why(
    warehouse: duckdb.DuckDBPyConnection, name: str, measure: str, reason: str
) -> None:
    row = warehouse.execute(
        "select null_reason, score, points from marts.health_score_drivers"
        " where account_id = ? and measure = ?",
        [f"hubspot:h_{name}", measure],
    ).fetchone()
    assert row == (reason, None, None)


def test_a_new_customer_has_no_score_for_thirty_days(warehouse: duckdb.DuckDBPyConnection) -> None:
    new = _row(warehouse, "new", "health_score, health_null_reason")
    assert new == (None, "first_30_days")
    assert _row(warehouse, "day_30", "health_score is not null") == (True,)


def test_a_month_overdue_costs_points_and_a_day_more_caps_the_score(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    columns = "health_score, health_band, health_cap, reason_1, overdue_days"
    late = (Decimal(49), "red", "payment_overdue", "Payment overdue by 31 days", 31)
    assert _row(warehouse, "late", columns) == late
    assert _row(warehouse, "a_month_late", "health_cap, overdue_days") == (None, 30)


def test_a_notice_caps_the_score_and_the_raw_score_stays(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    score_now, raw, cap, reason = _row(
        warehouse, "leaving", "health_score, health_raw_score, health_cap, reason_1"
    )
    assert (score_now, cap, reason) == (25, "cancel_notice", "Cancellation notice for 100 % of MRR")
    assert raw > 75


def test_reasons_and_strengths_are_in_plain_words_and_the_costliest_first(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # Lost points, of 50: seats 17.5 x (1 - 0.4167) = 10.2, trend 12.5 x 1 = 12.5,
    # users 12.5 x 0.5 = 6.25; of 28.57: features 1 of 4 half of 11.43 = 5.7, stars all 10.0,
    # integrations all 7.1; contact 80 days ago 14.29 x 0.4 = 5.7. Nothing overdue brings 7.14,
    # core use 3 days ago 7.5 x (1 - 0.25 x 3 / 7) = 6.7.
    row = _row(
        warehouse, "fell", "reason_1, reason_2, reason_3, strength_1, strength_2, strength_3"
    )
    assert row == (
        "Active users fell 50 % in 28 days (risk from 5 %)",
        "Only 50 % of paid seats were used in 28 days (risk below 76 %)",
        "Users with many active days: 0 (risk below 2)",
        "No overdue invoice",
        "Core use 3 days ago",
        None,
    )


def test_priority_is_arr_at_risk_times_urgency(warehouse: duckdb.DuckDBPyConnection) -> None:
    # ARR 24000, score 83.29, renewal on 1 December (16 days): 24000 x 0.1671 x 1.5
    row = _row(warehouse, "steady", "arr, renewal_on::text, priority")
    assert row == (Decimal(24000), "2026-12-01", Decimal("6015.60"))


def test_prospects_and_former_customers_are_there_without_a_score(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = warehouse.execute(
        "select account_id, is_customer, lifecycle_stage, mrr, health_score, health_null_reason,"
        " touch_tier from marts.customer_360 where not is_customer order by account_id"
    ).fetchall()
    assert rows == [
        ("hubspot:h_prospect", False, "prospect", 0, None, "not_a_customer", None),
        ("stripe:cus_former", False, "churned", 0, None, "not_a_customer", None),
    ]


def test_the_arr_of_unknown_health_stands_apart(warehouse: duckdb.DuckDBPyConnection) -> None:
    # unmapped and new: twice 10 seats at 200 a month
    row = warehouse.execute(
        "select customers, arr from marts.health_bands_now where health_band = 'unknown'"
    ).fetchone()
    assert row == (2, Decimal(48000))


@pytest.mark.parametrize(
    ("value", "anchors", "expected"),
    [
        ("0.60", ["0", "0.60", "0.76", "1"], "50"),
        ("0.76", ["0", "0.60", "0.76", "1"], "75"),
        ("1.20", ["0", "0.60", "0.76", "1"], "100"),
        ("14", ["28", "14", "7", "0"], "50"),
        ("21", ["28", "14", "7", "0"], "25"),
        ("30", ["28", "14", "7", "0"], "0"),
    ],
)
def test_the_second_implementation_itself_meets_the_anchors(
    value: str, anchors: list[str], expected: str
) -> None:
    assert measure_score(Fraction(value), [Fraction(a) for a in anchors]) == Fraction(expected)
