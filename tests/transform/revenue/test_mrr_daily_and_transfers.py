"""MRR of any day, and contracts that go from one account to another."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pandas as pd
import pytest

from . import second_opinion
from .owners import GIVER, TAKER


@pytest.mark.parametrize(
    ("account", "days"),
    [
        # Ten seats of 10 from July, fifteen from 11 August, twelve from September.
        ("stripe:cus_grew", {"07-01": 100, "08-10": 100, "08-11": 150, "08-31": 150, "09-01": 120}),
        # Paid from 15 May to 15 June.
        ("stripe:cus_one_month", {"05-15": 100, "06-14": 100, "06-15": 0}),
        # Due on 1 June and never paid: 30 days late on 1 July, 31 on the 2nd.
        ("stripe:cus_owing", {"06-01": 100, "07-01": 100, "07-02": 0}),
        # 1200 and 600 a year; the second is given back on 10 August.
        ("stripe:cus_addon_gone", {"08-09": 150, "08-10": 100}),
        # 100 + 40 at first, 120 + 40 from September, and the 120 are gone from the 10th on.
        (GIVER, {"08-31": 140, "09-01": 160, "09-09": 160, "09-10": 40}),
        (TAKER, {"09-09": 30, "09-10": 150}),
    ],
)
def test_the_mrr_of_a_day_can_be_asked_for(
    account: str, days: dict[str, int], warehouse: duckdb.DuckDBPyConnection
) -> None:
    found = {
        day: warehouse.execute(
            "select mrr from marts.mrr_daily"
            " where account_id = ? and from_on <= ? and (? < to_on or to_on is null)",
            [account, date.fromisoformat(f"2026-{day}"), date.fromisoformat(f"2026-{day}")],
        ).fetchall()
        for day in days
    }
    assert found == {day: [(Decimal(mrr),)] for day, mrr in days.items()}


def test_before_its_first_paid_day_an_account_has_no_day(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    first = warehouse.execute(
        "select min(from_on) from marts.mrr_daily where account_id = 'stripe:cus_one_month'"
    ).fetchone()
    assert first == (date(2026, 5, 15),)


def test_a_rate_that_moves_begins_another_range(warehouse: duckdb.DuckDBPyConnection) -> None:
    # 100 euros from November 2025; 1.10 dollars until the end of the year, 1.15 from then on.
    rows = warehouse.execute(
        "select from_on, mrr, mrr_reporting from marts.mrr_daily"
        " where account_id = 'stripe:cus_euro' and from_on < '2026-11-01' order by 1"
    ).fetchall()
    assert rows == [(date(2025, 11, 1), 100, 110), (date(2026, 1, 1), 100, 115)]


def test_two_implementations_agree_on_every_day(warehouse: duckdb.DuckDBPyConnection) -> None:
    expected = second_opinion.daily(warehouse)
    ranges = warehouse.execute(
        "select account_id, currency, from_on, to_on - 1, cast(mrr as double) from marts.mrr_daily"
    ).fetchall()
    days = pd.date_range(expected.columns[0], expected.columns[-1])
    held = {key: pd.Series(0.0, index=days) for key in expected.index}
    for account, currency, first, last, mrr in ranges:
        held[account, currency][pd.Timestamp(first) : last and pd.Timestamp(last)] = mrr
    found = pd.DataFrame(held).T
    pd.testing.assert_frame_equal(found, expected, check_freq=False, check_names=False, atol=1e-6)


def _month(con: duckdb.DuckDBPyConnection, account: str, month: str) -> tuple[Any, ...] | None:
    return con.execute(
        "select movement, opening_mrr, transfer_mrr, expansion_mrr, contraction_mrr, churn_mrr,"
        " new_mrr, mrr from marts.mrr_monthly where account_id = ? and month_on = ?",
        [account, month],
    ).fetchone()


def test_a_contract_that_moves_is_neither_lost_nor_new_and_its_growth_is_the_new_owners(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    # 100 go over; the 20 by which the contract grew in the same month are the taker's.
    assert _month(warehouse, GIVER, "2026-09-01") == ("transfer", 140, -100, 0, 0, 0, 0, 40)
    assert _month(warehouse, TAKER, "2026-09-01") == ("expansion", 30, 100, 20, 0, 0, 0, 150)
    moved = warehouse.execute(
        "select account_id, sub_type, amount from marts.mrr_movements"
        " where movement = 'transfer' order by amount"
    ).fetchall()
    assert moved == [(GIVER, None, -100), (TAKER, None, 100)]


def test_retention_counts_a_contract_that_moved_where_it_is_now(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = warehouse.execute(
        "select account_id, opening_mrr, closing_mrr from intermediate.int_retention_pairs"
        " where month_on = '2026-09-01' and months = 1 and account_id like 'hubspot:%' order by 1"
    ).fetchall()
    assert rows == [(GIVER, 40, 40), (TAKER, 130, 150)]


def test_two_implementations_agree_on_every_movement(warehouse: duckdb.DuckDBPyConnection) -> None:
    expected = second_opinion.movements(warehouse)
    found = warehouse.execute(
        "select m.account_id, m.month_on, m.movement, cast(sum(m.amount) as double) as amount"
        " from marts.mrr_movements m join marts.mrr_monthly a using (account_id, month_on)"
        " where not a.is_multi_currency and m.amount <> 0 group by all"
    ).df()
    found["month_on"] = pd.to_datetime(found["month_on"])
    keys = ["account_id", "month_on", "movement"]
    pd.testing.assert_frame_equal(
        found.sort_values(keys, ignore_index=True),
        expected.sort_values(keys, ignore_index=True),
        check_dtype=False,
        atol=1e-6,
    )
    assert {"transfer", "reactivation", "churn"} <= set(found["movement"])
