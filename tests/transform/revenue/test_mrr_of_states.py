"""MRR now, from the state of subscriptions: what they bring, and what cannot be priced."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from .cases import hand_written
from .owners import GIVER, TAKER
from .past import PAST_CASES

_, EXPECTED = hand_written()


@pytest.fixture(scope="module")
def measured(warehouse: duckdb.DuckDBPyConnection) -> dict[str, Decimal]:
    rows = warehouse.execute(
        "select account_id, mrr from marts.mrr_monthly where measured_on = '2026-11-15'"
    ).fetchall()
    return {account.removeprefix("stripe:cus_"): mrr for account, mrr in rows}


@pytest.mark.parametrize("case", sorted(EXPECTED))
def test_mrr_of_a_hand_written_subscription_is_the_hand_computed_number(
    measured: dict[str, Decimal], case: str
) -> None:
    assert measured[case] == EXPECTED[case]


def test_no_account_has_mrr_that_no_case_explains(measured: dict[str, Decimal]) -> None:
    assert set(measured) - {*PAST_CASES, GIVER, TAKER} == set(EXPECTED)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("no_price", "no_price"),
        ("no_tiers", "no_price"),
        ("above_last_tier", "quantity_above_last_tier"),
        ("unknown_interval", "unknown_interval"),
        ("no_interval_count", "unknown_interval"),
        ("no_quantity", "no_quantity"),
        ("negative_quantity", "negative_quantity"),
        ("negative_price", "negative_price"),
        ("unknown_currency", "unknown_currency"),
        ("unknown_status", "unknown_status"),
        ("ends_before_start", "ends_before_start"),
        ("dinar", "no_exchange_rate"),
        ("other_currency", "discount_in_other_currency"),
        ("signed_without_price", "no_price"),
        ("two_accounts", "customer_in_two_accounts"),
    ],
)
def test_what_cannot_be_priced_is_listed_with_its_reason(
    warehouse: duckdb.DuckDBPyConnection, case: str, reason: str
) -> None:
    rows = warehouse.execute(
        "select reason, months, is_current from marts.revenue_exceptions where account_id = ?",
        [f"stripe:cus_{case}"],
    ).fetchall()
    assert rows == [(reason, 1, True)]


def test_nothing_else_is_an_exception(warehouse: duckdb.DuckDBPyConnection) -> None:
    (count,) = warehouse.execute("select count(*) from marts.revenue_exceptions").fetchone() or ()
    assert count == 15


def test_metered_use_is_the_mean_of_three_months_and_no_part_of_mrr(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # Invoiced 30, 60 and 90 in the three months to 15 November; the 99 of July are older.
    row = warehouse.execute(
        "select mrr, usage_mrr from marts.mrr_monthly"
        " where account_id = 'stripe:cus_metered' and measured_on = '2026-11-15'"
    ).fetchone()
    assert row == (Decimal(100), Decimal(60))


def test_a_currency_without_a_rate_has_no_mrr_in_the_reporting_currency(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    row = warehouse.execute(
        "select mrr, mrr_reporting, arr_reporting from marts.mrr_monthly"
        " where account_id = 'stripe:cus_dinar' and measured_on = '2026-11-15'"
    ).fetchone()
    assert row == (Decimal("12.345"), None, None)


def test_yen_become_dollars_at_the_rate_of_the_day(warehouse: duckdb.DuckDBPyConnection) -> None:
    # 1000 yen x 0.0065 dollars
    row = warehouse.execute(
        "select mrr_reporting, arr_reporting from marts.mrr_monthly"
        " where account_id = 'stripe:cus_yen' and measured_on = '2026-11-15'"
    ).fetchone()
    assert row == (Decimal("6.5"), Decimal(78))


def test_an_amount_off_is_shared_between_items_in_proportion(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # 30 off 100 + 50: two thirds from the first, one third from the second.
    rows = warehouse.execute(
        "select mrr from intermediate.int_item_mrr"
        " where account_id = 'stripe:cus_amount_shared' order by mrr"
    ).fetchall()
    assert rows == [(Decimal(40),), (Decimal(80),)]


@pytest.mark.parametrize(
    ("case", "carr"),
    [
        ("monthly", 1200),  # 12 x 100: nothing signed, nothing ending
        ("signed_only", 600),  # 12 x 100 x 0.5, the discount that it begins with
        ("signed_more", 1680),  # 12 x (100 + 40)
        ("signed_and_withdrawn", 1200),  # what ends before it begins is not signed
        ("signed_without_price", 1200),  # listed as an exception
        ("cancel_at_end", 1200),  # 12 x (100 + 40 - 40)
        ("cancel_at_later", 1200),
        ("trialing", 1200),  # a trial is not signed
        ("past_due_30", 1680),  # within the days of grace it runs on
        ("metered", 1200),
    ],
)
def test_contracted_revenue_has_what_is_signed_and_not_what_is_going_to_end(
    warehouse: duckdb.DuckDBPyConnection, case: str, carr: int
) -> None:
    row = warehouse.execute(
        "select carr_reporting from marts.mrr_monthly"
        " where account_id = ? and measured_on = '2026-11-15'",
        [f"stripe:cus_{case}"],
    ).fetchone()
    assert row == (Decimal(carr),)


def test_of_months_before_the_first_load_nobody_knows_what_was_signed(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = warehouse.execute(
        "select month_on < '2026-11-01', count(carr_reporting) > 0 from marts.mrr_monthly"
        " group by all order by 1"
    ).fetchall()
    assert rows == [(False, True), (True, False)]
    (metric,) = (
        warehouse.execute(
            "select count(*) from marts.kpi_monthly where metric = 'carr' and value is not null"
        ).fetchone()
        or ()
    )
    assert metric == 1
