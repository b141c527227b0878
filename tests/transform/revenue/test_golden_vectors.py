"""Figures that were published, and mistakes that other people's packages made, as cases computed by
hand and run through one build.

Most of them stand beside the rule that they try, in these files of this folder:

| published example or mistake | case or test |
| --- | --- |
| a plan of 600 a year is 600 / 12, not 800 / 12 | `annual_600` in cases.py |
| week is 52/12 and day 365/12 of a month, not 4 and 30 | `weekly`, `fortnightly`, `daily` |
| 100 that loses 10 and 10 and gains 10: 20 % gross, 10 % net | unit test of int_kpi_revenue |
| 1: a return is taken for an expansion, or never found | `returned` in past.py |
| 2: trials, unpaid, incomplete, paused and late ones count | `_states` in cases.py |
| 2: a day is no interval, tiers have no price | `daily`, `volume_*`, `graduated_*` |
| 2: several coupons, other currency, below zero | `_discounts` in cases.py |
| 3: a month from mid-May to mid-June | `one_month` in past.py; by day too |
| 4: a yearly charge is booked in its month | `yearly` in past.py |
| 5: open-ended, two at a time, in mid-month | `open_ended`, `two_subscriptions`, `mid_month` |
| 6: use is left out, tax is put in | `metered`, `taxed` |
| 7: last invoice for MRR, credits of a downgrade lost | `grew`, `switched`, `addon_gone` |
| 8: a customer that changed is there twice | tests/ingestion (merge by key), staging tests |
| the past is rebuilt with the quantity of today | `grew`; test_closed_months for snapshots |
| months that have not happened yet | test_no_month_lies_in_the_future_though_periods_end_there |
| the period stands on the item | `cancel_at_end_over` |
| coupon of one month, expired, to come | `once`, `repeating_over`, `discount_to_come` |
| coupon above the price | `never_below_zero` |
| running totals mix accounts | test_no_account_has_mrr_that_no_case_explains |
| deleted customers vanish; quantity 0 | `deleted_customer`, `quantity_zero` |
| currency of an account flips with its last order | `two_currencies` |
| past due for ever; paused; about to end | `past_due_31`, `paused`, `cancel_at_end*` |
| an old yearly invoice is taken for a monthly one | `old_year` |
| what is deleted leaves no zero row | `one_month`; `addon` in test_closed_months |
| one period billed twice | `billed_twice` |

The rest is here.
"""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

NOVEMBER = "2026-11-01"
VECTORS = [
    # A half-yearly fee has an interval of its own: 600 / 6.
    ("half_year", NOVEMBER, "mrr", "100"),
    # Terms of two and three years are divided by their months, not multiplied: 3600 / 36.
    ("three_years", NOVEMBER, "mrr", "100"),
    ("two_years", NOVEMBER, "mrr", "100"),
    # Fees are summed per customer: two weekly ones of different customers stay two: 12 x 52 / 12.
    ("weekly", NOVEMBER, "mrr", "52"),
    # A refund and a credit note are cash; the contract of 100 goes on.
    ("refunded", NOVEMBER, "mrr", "100"),
    # What ended is taken off once: 100 - 100.
    ("returned", "2026-04-01", "churn_mrr", "-100"),
    ("returned", "2026-04-01", "mrr", "0"),
    ("returned", "2026-05-01", "churn_mrr", "0"),
    # It came back: no expansion from nothing, and not new.
    ("returned", "2026-06-01", "reactivation_mrr", "100"),
    ("returned", "2026-06-01", "expansion_mrr", "0"),
    ("returned", "2026-06-01", "new_mrr", "0"),
    # Half of one invoice, for once: 100 - 0, before the first load too.
    ("discount_once", "2026-07-01", "mrr", "100"),
    # Cents are divided by a hundred once: 12345 thousandths of a dinar, 12000 yen a year.
    ("dinar", NOVEMBER, "mrr", "12.345"),
    ("yen", NOVEMBER, "mrr", "1000"),
    # A year at 120000 cents is 1200 / 12 in each of its months, not 1200 in February.
    ("yearly", "2026-02-01", "mrr", "100"),
    ("yearly", "2026-08-01", "mrr", "100"),
    # Bought in two currencies: 100 + 120 x 1.15, in the reporting currency and nowhere else.
    ("two_currencies", NOVEMBER, "mrr", "238"),
]


@pytest.mark.parametrize(("case", "month", "column", "expected"), VECTORS)
def test_a_published_or_mistaken_figure_is_what_it_is_by_hand(
    case: str, month: str, column: str, expected: str, warehouse: duckdb.DuckDBPyConnection
) -> None:
    row = warehouse.execute(
        f"select {column} from marts.mrr_monthly where account_id = ? and month_on = ?",
        [f"stripe:cus_{case}", month],
    ).fetchone()
    assert row == (Decimal(expected),)


def test_every_paying_case_of_a_month_is_an_account_of_the_metric(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """Per customer, not per organisation: the count is that of accounts with a positive row."""
    row = warehouse.execute(
        "select (select value from marts.kpi_monthly"
        "   where metric = 'active_accounts' and month_on = ?),"
        " (select count(distinct account_id) from marts.mrr_monthly"
        "   where mrr > 0 and month_on = ?)",
        [NOVEMBER, NOVEMBER],
    ).fetchone()
    assert row is not None
    assert row[0] == row[1] > 50
