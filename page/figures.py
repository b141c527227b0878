"""The numbers of the first view, asked of the marts: sums over the book, the call list, movements,
cohorts. Every function takes the publication and the book, and may raise Lacking.
"""

from __future__ import annotations

import pandas as pd

from page.book import Book
from page.filters import COLUMNS, NONE, Filters
from page.published import Published

CALLS = (
    "account_id, account_name, priority, health_score, health_delta_28d, health_band,"
    " health_null_reason, open_urgent_tickets,"
    " reason_1, reason_2, reason_3, renewal_on, days_to_renewal, arr, currency, csm_name,"
    " touch_tier, lifecycle_stage"
)


def totals(published: Published, book: Book, filters: Filters | None = None) -> pd.Series:
    """Customers, MRR and ARR of them all, of the red and of those of unknown health.

    `without_mrr` customers pay an amount that nobody knows; `undecided` accounts may or may not be
    customers, for want of a billing source.
    """
    accounts, parameters = book.accounts(published)
    condition, more = (filters or Filters()).condition()
    # Sums over nothing are 0 only when there is something that could have been summed.
    answer = published.ask(
        f"""
        select
            count(*) as accounts,
            count(*) filter (is_customer) as customers,
            count(*) filter (is_customer is null) as undecided,
            count(*) filter (is_customer and mrr is null) as without_mrr,
            sum(mrr) as mrr,
            sum(arr) as arr,
            any_value(currency) as currency,
            count(*) filter (health_band = 'red') as red,
            coalesce(sum(arr) filter (health_band = 'red'), 0) as red_arr,
            count(*) filter (is_customer and health_band = 'unknown') as unknown,
            coalesce(sum(arr) filter (is_customer and health_band = 'unknown'), 0) as unknown_arr
        from {accounts}
        where {condition}
        """,
        **parameters,
        **more,
    )
    return answer.iloc[0]


def choices(published: Published, book: Book) -> dict[str, list[str]]:
    """What can be chosen in each filter: the values in the book, NONE last where one is missing."""
    accounts, parameters = book.accounts(published)
    columns = ", ".join(
        f"coalesce(list(distinct coalesce({c}, '{NONE}')), [])" for c in COLUMNS.values()
    )
    found = published.ask(f"select {columns} from {accounts}", **parameters).iloc[0]
    return {
        name: sorted(values, key=lambda value: (value == NONE, value))
        for name, values in zip(COLUMNS, found, strict=True)
    }


def calls(published: Published, book: Book, filters: Filters, limit: int) -> pd.DataFrame:
    """Whom to call first: the most urgent `limit` accounts, those without a priority last."""
    accounts, parameters = book.accounts(published)
    condition, more = filters.condition()
    return published.ask(
        f"select {CALLS} from {accounts} where {condition}"
        f" order by priority desc nulls last, arr desc nulls last, account_id limit {limit:d}",
        **parameters,
        **more,
    )


def all_calls(published: Published, book: Book, filters: Filters) -> pd.DataFrame:
    """The whole call list, for a download."""
    accounts, parameters = book.accounts(published)
    condition, more = filters.condition()
    return published.ask_once(
        f"select {CALLS} from {accounts} where {condition}"
        " order by priority desc nulls last, arr desc nulls last, account_id",
        **parameters,
        **more,
    )


def bands(published: Published, book: Book) -> pd.DataFrame:
    """Customers and ARR per health band: the audited mart, or its sums over a limited book."""
    if not book.is_limited:
        return published.ask(
            f"select health_band, customers, arr from {published.table('health_bands_now')}"
            " order by health_band"
        )
    accounts, parameters = book.accounts(published)
    return published.ask(
        f"select health_band, count(*) as customers, sum(arr) as arr from {accounts}"
        " where is_customer group by 1 order by 1",
        **parameters,
    )


def bands_by_week(published: Published, book: Book, weeks: int = 26) -> pd.DataFrame:
    """Customers and ARR per health band on the last stored day of each of the last `weeks`, as it
    was known on it, with the version that was in force.
    """
    accounts, parameters = book.accounts(published)
    within = f"and account_id in (select account_id from {accounts})" if book.is_limited else ""
    return published.ask(
        f"""
        with history as (from {published.table("customer_health_history")}),
        days as (select distinct day from history where is_in_force),
        last_days as (
            select max(day) as day from days
            where day > (select max(day) from days) - {weeks * 7:d}
            group by date_trunc('week', day)
        )
        select
            day as week_on, health_band, count(*) as customers, sum(arr) as arr,
            max(health_version) as health_version
        from history
        where is_in_force and day in (from last_days) {within}
        group by 1, 2
        order by 1, 2
        """,
        **parameters,
    )


def kpi(published: Published, metric: str) -> pd.Series | None:
    """The metric in the last month that is over, with the month before it as `before`; None when
    it was never known. It is of the whole company.
    """
    answer = published.ask(
        f"""
        select month_on, value, target, method, population, lag(value) over (order by month_on)
            as before
        from {published.table("kpi_monthly")}
        where metric = $metric and segment = 'all' and is_closed
        order by month_on desc limit 1
        """,
        metric=metric,
    )
    return None if answer.empty else answer.iloc[0]


def backtest(published: Published) -> pd.DataFrame:
    """How well the score foretold each target, of the whole company; the newest version first, and
    of each version any churn first.
    """
    return published.ask(
        f"""
        from {published.table("health_backtest")}
        where period = 'all' and segment = 'all'
        order by health_version desc, target <> 'churn', target
        """
    )


def movements(published: Published, book: Book, months: int = 24) -> pd.DataFrame:
    """What moved MRR, per month and movement (churn of unpaid invoices apart), in the reporting
    currency, for the last `months`; `without_rate` rows could not be converted.
    """
    accounts, parameters = book.accounts(published)
    return published.ask(
        f"""
        select
            month_on,
            case sub_type when 'involuntary' then 'churn_involuntary' else movement end as movement,
            bool_and(is_closed) as is_closed,
            sum(amount_reporting) as amount,
            count(*) filter (amount_reporting is null) as without_rate,
            any_value(reporting_currency) as currency
        from {published.table("mrr_movements")}
        where account_id in (select account_id from {accounts})
        group by 1, 2
        qualify dense_rank() over (order by month_on desc) <= {months:d}
        order by month_on, movement
        """,
        **parameters,
    )


def cohorts(published: Published, months: int = 24) -> pd.DataFrame:
    """What is left of the accounts that first paid in each of the last `months`; of the whole
    company.
    """
    return published.ask(
        f"""
        select cohort_on, age_months, accounts, accounts_left, logo_retention, revenue_retention
        from {published.table("cohort_retention")}
        qualify dense_rank() over (order by cohort_on desc) <= {months:d}
        order by cohort_on, age_months
        """
    )
