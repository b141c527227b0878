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


def relatives(published: Published, book: Book, account: str) -> pd.DataFrame:
    """Everybody in its group of companies who is in the book, itself included, the top first:
    `role` is parent, child or NULL, `depth` 0 at the top, `parent_name` NULL outside the book.
    """
    accounts, parameters = book.accounts(published)
    return published.ask(
        f"""
        with accounts as (from {accounts}),
        hierarchy as (from {published.table("account_hierarchy")}),
        this as (from hierarchy where account_id = $account)
        select
            case
                when hierarchy.account_id = this.parent_account_id then 'parent'
                when hierarchy.parent_account_id = this.account_id then 'child'
            end as role,
            hierarchy.account_id, accounts.account_name, hierarchy.depth, accounts.arr,
            accounts.currency, accounts.health_score, accounts.health_band,
            parents.account_name as parent_name
        from hierarchy
        inner join this using (ultimate_parent_account_id)
        inner join accounts on hierarchy.account_id = accounts.account_id
        left join (select account_id as parent_id, account_name from accounts) as parents
            on hierarchy.parent_account_id = parents.parent_id
        order by hierarchy.depth, role desc nulls last, accounts.arr desc nulls last, 2
        limit 200
        """,
        account=account,
        **parameters,
    )


def history(published: Published, account: str) -> pd.DataFrame:
    """Its score day by day in the last two years, under every version that scored the day."""
    table = published.table("customer_health_history")
    return published.ask(
        f"""
        select * from {table} where account_id = $account
        qualify day > max(day) over () - 731
        order by day, is_in_force, health_version
        """,
        account=account,
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


def subscriptions(published: Published, account: str) -> pd.DataFrame:
    """What it buys, what runs first."""
    order = "state <> 'running', mrr desc nulls last, started_on desc, product_name"
    return _of(published, "account_subscriptions", account, order)


def invoices(published: Published, account: str) -> pd.DataFrame:
    """Its invoices, the newest first."""
    return _of(published, "account_invoices", account, "issued_at desc, source_id")


def tickets(published: Published, account: str) -> pd.DataFrame:
    """Its tickets, open before solved, the newest first."""
    return _of(published, "account_tickets", account, "status = 'solved', created_at desc")


def answers(published: Published, account: str) -> pd.DataFrame:
    """Its answers to surveys, the newest first."""
    return _of(published, "account_survey_answers", account, "responded_at desc, instrument")


def timeline(published: Published, account: str) -> pd.DataFrame:
    """What happened to it, the newest first."""
    return _of(published, "account_timeline", account, "happened_at desc, kind, source_id")


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
