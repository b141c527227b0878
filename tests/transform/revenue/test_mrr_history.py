"""MRR of the past, rebuilt from invoice lines before the first load and kept by snapshots after."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest


def _series(con: duckdb.DuckDBPyConnection, case: str, column: str = "mrr") -> dict[str, Any]:
    rows = con.execute(
        f"select strftime(month_on, '%Y-%m'), {column} from marts.mrr_monthly"
        " where account_id = ? order by month_on",
        [f"stripe:cus_{case}"],
    ).fetchall()
    return dict(rows)


def test_one_who_left_and_came_back_is_reactivated_and_has_zero_rows_between(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    mrr, movement = _series(warehouse, "returned"), _series(warehouse, "returned", "movement")
    assert [mrr[f"2026-{m:02d}"] for m in range(1, 12)] == [100] * 3 + [0] * 2 + [100] * 6
    assert {m: v for m, v in movement.items() if v != "none"} == {
        "2026-01": "new",
        "2026-04": "churn",
        "2026-06": "reactivation",
    }
    assert _series(warehouse, "returned", "churn_mrr")["2026-04"] == -100
    assert _series(warehouse, "returned", "reactivation_mrr")["2026-06"] == 100


def test_a_proration_tells_the_new_quantity_and_its_money_is_no_mrr(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # 10 seats of 10 in July, 15 from 11 August, 12 from September.
    assert list(_series(warehouse, "grew").values()) == [100, 150, 120, 120, 120]
    assert _series(warehouse, "grew", "expansion_mrr")["2026-08"] == 50
    assert _series(warehouse, "grew", "contraction_mrr")["2026-09"] == -30


def test_a_proration_at_another_price_is_stretched_to_its_period(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # 1203.29 for 183 of 365 days is 2400 a year, but for the cent that was rounded off.
    mrr = _series(warehouse, "switched")
    assert mrr["2026-06"] == 100
    assert mrr["2026-07"] == pytest.approx(Decimal(200), abs=Decimal("0.01"))


def test_a_credit_without_a_new_charge_ends_its_item(warehouse: duckdb.DuckDBPyConnection) -> None:
    # 1200 and 600 a year; the second is given back from 10 August on.
    mrr = _series(warehouse, "addon_gone")
    assert (mrr["2026-07"], mrr["2026-08"], mrr["2026-10"]) == (150, 100, 100)


def test_a_yearly_charge_is_spread_over_its_months(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert list(_series(warehouse, "yearly").values()) == [100] * 10


def test_months_before_the_first_load_say_that_invoices_told_them(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    origin = _series(warehouse, "yearly", "origin")
    assert origin.pop("2026-11") == "snapshot"
    assert set(origin.values()) == {"invoice"}


def test_a_month_paid_from_mid_may_to_mid_june_is_the_mrr_of_may_and_churn_in_june(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    mrr = _series(warehouse, "one_month")
    assert (mrr["2026-05"], mrr["2026-06"]) == (100, 0)
    assert _series(warehouse, "one_month", "movement")["2026-06"] == "churn"
    assert _series(warehouse, "one_month", "is_involuntary")["2026-06"] is False


def test_periods_that_begin_in_mid_month_leave_no_gap(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert list(_series(warehouse, "mid_month").values()) == [100] * 4


def test_cancelling_one_of_two_subscriptions_is_a_contraction(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert list(_series(warehouse, "one_of_two_left").values()) == [140, 140, 100, 100]
    assert _series(warehouse, "one_of_two_left", "movement")["2026-10"] == "contraction"


def test_a_rate_that_moves_is_an_fx_line_and_no_movement(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # 1200 euros a year; 1.10 dollars until the end of 2025, 1.15 from then on.
    reporting = _series(warehouse, "euro", "mrr_reporting")
    assert (reporting["2025-12"], reporting["2026-01"]) == (110, 115)
    assert _series(warehouse, "euro", "fx_mrr_reporting")["2026-01"] == 5
    assert _series(warehouse, "euro", "movement")["2026-01"] == "none"
    assert set(_series(warehouse, "euro", "mrr").values()) == {100}


def test_an_account_with_two_currencies_grows_by_its_contracts_alone(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # December 100 + 100 x 1.10 = 210; January 100 + 120 x 1.15 = 238: 20 x 1.15 = 23 are growth,
    # 100 x 0.05 = 5 are the rate.
    rows = warehouse.execute(
        "select currency, opening_mrr, expansion_mrr, fx_mrr, mrr from marts.mrr_monthly"
        " where account_id = 'stripe:cus_two_currencies' and month_on = '2026-01-01'"
    ).fetchall()
    assert rows == [("USD", 210, 23, 5, 238)]


def test_a_discount_of_one_invoice_is_not_taken_off_and_a_lasting_one_is(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert set(_series(warehouse, "discount_once").values()) == {100}
    assert set(_series(warehouse, "discount_lasting").values()) == {50}


def test_an_unpaid_year_counts_until_the_days_of_grace_are_over_and_is_lost_against_their_will(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # Due on 1 June: 29 days late at the end of June, 60 at the end of July.
    mrr = _series(warehouse, "owing")
    assert (mrr["2026-06"], mrr["2026-07"], mrr["2026-11"]) == (100, 0, 0)
    assert _series(warehouse, "owing", "is_involuntary")["2026-07"] is True


def test_void_and_draft_invoices_are_no_revenue(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert list(_series(warehouse, "void_and_draft")) == ["2026-09", "2026-10", "2026-11"]


def test_a_period_billed_twice_counts_once(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert set(_series(warehouse, "billed_twice").values()) == {100}


@pytest.mark.parametrize(
    ("case", "month", "mrr"),
    [
        ("old_quarter", "2026-07", "100"),  # three months: 300 / 3
        ("old_month_end", "2026-01", "100"),  # 31 January to 28 February is a month
        ("old_year", "2026-01", "100"),  # 1200 / 12
        ("old_four_weeks", "2026-07", "52"),  # 48 in 4 weeks: 12 x 52 / 12
        ("old_ten_days", "2026-07", "30.4167"),  # 10 in 10 days: 1 x 365 / 12
    ],
)
def test_the_term_of_a_price_that_is_gone_is_read_from_its_period(
    warehouse: duckdb.DuckDBPyConnection, case: str, month: str, mrr: str
) -> None:
    assert _series(warehouse, case)[month] == Decimal(mrr)


def test_no_month_lies_in_the_future_though_periods_end_there(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    row = warehouse.execute(
        "select max(month_on), max(measured_on) from marts.mrr_monthly"
    ).fetchone()
    assert row == (date(2026, 11, 1), date(2026, 11, 15))
