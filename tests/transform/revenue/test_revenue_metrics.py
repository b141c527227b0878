"""Movements, cohorts, renewals and monthly metrics, against a second implementation in pandas."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from . import second_opinion

METRICS = (
    *("mrr", "arr", "active_accounts", "arpa", "new_accounts", "logo_churn", "gross_mrr_churn"),
    *("net_mrr_churn", "expansion_rate", "quick_ratio", "nrr_12m", "grr_12m"),
)


@pytest.fixture(scope="module")
def books(warehouse: duckdb.DuckDBPyConnection) -> second_opinion.Books:
    return second_opinion.open_books(warehouse)


@pytest.mark.parametrize("metric", METRICS)
def test_two_implementations_agree_on_every_month(
    metric: str, warehouse: duckdb.DuckDBPyConnection, books: second_opinion.Books
) -> None:
    expected = second_opinion.monthly(books)[metric]
    found = warehouse.execute(
        "select month_on, cast(value as double) as value from marts.kpi_monthly"
        " where metric = ? order by month_on",
        [metric],
    ).df()
    found = found.set_index(pd.DatetimeIndex(found["month_on"]))["value"]
    assert expected.notna().any(), "nothing would be compared"
    pd.testing.assert_series_equal(
        found, expected.rename("value"), check_names=False, check_freq=False, rtol=1e-4, atol=1e-4
    )


def test_two_implementations_agree_on_every_cohort(
    warehouse: duckdb.DuckDBPyConnection, books: second_opinion.Books
) -> None:
    expected = second_opinion.cohorts(books)
    found = warehouse.execute(
        "select cohort_on, age_months, accounts, cast(logo_retention as double) as logos,"
        " cast(revenue_retention as double) as revenue, month_on, accounts_without_rate"
        " from marts.cohort_retention"
    ).df()
    found["cohort_on"] = pd.to_datetime(found["cohort_on"])
    both = expected.merge(found, on=["cohort_on", "age_months"], how="outer", indicator=True)
    assert set(both["_merge"]) == {"both"}
    assert (both["accounts_x"] == both["accounts_y"] - both["accounts_without_rate"]).all()
    closed = both[pd.to_datetime(both["month_on"]) < "2026-11-01"]
    np.testing.assert_allclose(closed["logos_x"], closed["logos_y"], atol=1e-5)
    np.testing.assert_allclose(closed["revenue_x"], closed["revenue_y"], atol=1e-4)
    still_open = both[pd.to_datetime(both["month_on"]) >= "2026-11-01"]
    assert len(still_open)
    assert still_open[["logos_y", "revenue_y"]].isna().all(axis=None)


def _movements(con: duckdb.DuckDBPyConnection, case: str) -> list[tuple[Any, ...]]:
    return con.execute(
        "select strftime(month_on, '%Y-%m'), movement, sub_type, cast(amount as double)"
        " from marts.mrr_movements where account_id = ? order by 1, 2, 3",
        [f"stripe:cus_{case}"],
    ).fetchall()


def test_who_left_and_came_back_has_three_movements(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert _movements(warehouse, "returned") == [
        ("2026-01", "new", None, 100),
        ("2026-04", "churn", "voluntary", -100),
        ("2026-06", "reactivation", None, 100),
    ]


def test_more_of_the_same_product_is_upsell(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert ("2026-08", "expansion", "upsell", 50) in _movements(warehouse, "grew")


def test_a_product_that_was_not_there_is_cross_sell_and_the_rest_upsell(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # 100 of product A; from September 30 more of it and 50 of product B.
    assert _movements(warehouse, "second_product") == [
        ("2026-08", "new", None, 100),
        ("2026-09", "expansion", "cross_sell", 50),
        ("2026-09", "expansion", "upsell", 30),
    ]


def test_cancelling_one_of_two_subscriptions_is_contraction_not_churn(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert ("2026-10", "contraction", None, -40) in _movements(warehouse, "one_of_two_left")


def test_a_rate_that_moves_is_an_effect_of_exchange_and_no_movement(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    kinds = {row[1] for row in _movements(warehouse, "euro")}
    assert kinds <= {"new", "fx_effect"}


def _renewal(con: duckdb.DuckDBPyConnection, case: str) -> list[tuple[Any, ...]]:
    return con.execute(
        "select due_on, outcome, cast(arr_due as double), cast(arr_renewed as double),"
        " cast(arr_expanded as double), cast(arr_lost as double)"
        " from marts.renewals where account_id = ? order by due_on",
        [f"stripe:cus_{case}"],
    ).fetchall()


def test_a_year_that_goes_on_is_renewed_at_what_it_brings_then(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # 1200 a year until 1 September, then 1500.
    assert _renewal(warehouse, "renews_higher") == [
        (date(2026, 9, 1), "expanded", 1200, 1200, 300, 0)
    ]


def test_a_year_that_ends_is_lost_and_months_never_come_up_for_renewal(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert _renewal(warehouse, "year_not_renewed") == [
        (date(2026, 9, 15), "lost", 1200, 0, 0, 1200)
    ]
    assert _renewal(warehouse, "returned") == []
