"""The numbers of one customer, asked of the marts. Nothing is told of one outside the book."""

from __future__ import annotations

import pandas as pd

from page.book import Book
from page.published import Published


def profile(published: Published, book: Book, account: str) -> pd.Series | None:
    """Its row of customer_360; None when there is no such account in the book."""
    accounts, parameters = book.accounts(published)
    answer = published.ask(
        f"select * from {accounts} where account_id = $account", account=account, **parameters
    )
    return None if answer.empty else answer.iloc[0]


def family(published: Published, book: Book, account: str) -> pd.DataFrame:
    """Its parent and its children, as far as they are in the book: `role` parent or child."""
    accounts, parameters = book.accounts(published)
    return published.ask(
        f"""
        with accounts as (from {accounts})
        select 'parent' as role, account_id, account_name, arr, health_band from accounts
        where account_id = (select parent_account_id from accounts where account_id = $account)
        union all
        select 'child', account_id, account_name, arr, health_band from accounts
        where parent_account_id = $account
        order by role desc, arr desc nulls last limit 50
        """,
        account=account,
        **parameters,
    )


def drivers(published: Published, account: str) -> pd.DataFrame:
    """What its health score is made of, the heaviest measure first."""
    return _of(published, "health_score_drivers", account, "nominal_weight desc, measure")


def usage(published: Published, account: str) -> pd.DataFrame:
    """Its days in the product, the last year of them."""
    table = published.table("account_usage_daily")
    return published.ask(
        f"select * from {table} where account_id = $account"
        " qualify row_number() over (order by day desc) <= 366 order by day",
        account=account,
    )


def mrr(published: Published, account: str) -> pd.DataFrame:
    """Its MRR month by month."""
    return _of(published, "mrr_monthly", account, "month_on")


def renewals(published: Published, account: str) -> pd.DataFrame:
    """What came up for renewal, the newest first."""
    return _of(published, "renewals", account, "due_on desc, product_name")


def identities(published: Published, account: str) -> pd.DataFrame:
    """Which records in which systems are this account, or were, and how that was found."""
    return _of(
        published, "identity_map", account, "valid_to desc nulls first, entity, source, source_id"
    )


def _of(published: Published, mart: str, account: str, order: str) -> pd.DataFrame:
    return published.ask(
        f"select * from {published.table(mart)} where account_id = $account order by {order}",
        account=account,
    )
