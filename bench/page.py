"""The page over a publication of 50,000 accounts: what a person waits for the server."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import duckdb
import streamlit as st
from streamlit.testing.v1 import AppTest

from bench.measure import ROOT, line, stopwatch
from publish.publication import publish
from sandbox import Sandbox

ACCOUNTS = 50_000
FIRST_VIEW_SECONDS, FILTER_SECONDS = 3, 0.5
ROUNDS = 3
AS_OF = datetime(2026, 11, 1, 12, tzinfo=UTC)
FILTERS: list[tuple[str, list[str]]] = [
    ("band", ["red"]),
    ("csm", ["CSM 7"]),
    ("stage", ["adoption", "retention"]),
    ("tier", ["high"]),
    ("band", ["yellow", "unknown"]),
]
SEARCH = "account 4711"

WAREHOUSE = f"""
    create schema marts;
    create table marts.customer_360 as
    select
        'crm:' || i as account_id, 'Account ' || i as account_name,
        'a' || i || '.example' as domain,
        'Software' as industry, 'JP' as country, 'CSM ' || i % 60 as csm_name, true as is_customer,
        ['high', 'low', 'tech'][1 + i % 3] as touch_tier, 'ARR' as touch_tier_reason,
        ['onboarding', 'adoption', 'retention'][1 + i % 3] as lifecycle_stage,
        cast(100 + hash(i) % 5000 as decimal(18, 4)) as mrr, mrr * 12 as arr, 'USD' as currency,
        date '2026-11-02' + cast(hash(i) % 365 as integer) as renewal_on,
        cast(hash(i) % 365 as bigint) as days_to_renewal, 100 as licensed_seats,
        90 as issued_users, cast(hash(i, 1) % 90 as bigint) as active_users_28d,
        case when i % 8 > 0 then cast(hash(i, 2) % 100 as decimal(5, 2)) end as health_score,
        case when i % 8 = 0 then 'unknown' when health_score < 50 then 'red'
            when health_score < 75 then 'yellow' else 'green' end as health_band,
        cast(hash(i, 3) % 40 as decimal(5, 2)) - 20 as health_delta_28d,
        cast(hash(i, 4) % 3 as bigint) as open_tickets,
        cast(hash(i, 5) % 2 as bigint) as open_urgent_tickets,
        arr * (1 - health_score / 100) as priority,
        'Only 20 % of paid seats were used in 28 days (risk below 76 %)' as reason_1,
        'No core use for ' || i % 40 || ' days (risk above 14)' as reason_2
    from range({ACCOUNTS}) r(i);
    create table marts.health_bands_now as
    select health_band, count(*) as customers, sum(arr) as arr from marts.customer_360 group by 1;
    create table marts.health_score_drivers as
    select
        account_id, 'measure_' || m as measure, 'Measure ' || m as label, 'adoption' as score_group,
        cast(m as double) as raw_value, 'count' as unit, cast(m * 10 as double) as score,
        'red' as band, 10 as nominal_weight, 10 as weight_used, m as points, 10 - m as points_lost,
        'In words' as reason
    from marts.customer_360, range(9) r(m);
    -- Half a year of days, as the history appends them.
    create table marts.customer_health_history as
    select
        account_id, day, 'v2' as health_version, true as is_in_force, arr, health_score,
        health_band, cast(null as varchar) as health_cap
    from range(date '2026-05-04', date '2026-11-02', interval 1 day) r(d),
        (select cast(d as date) as day), marts.customer_360;
    create table marts.account_hierarchy as
    select account_id, account_id as ultimate_parent_account_id, 0 as depth
    from marts.customer_360;
    create table marts.account_subscriptions as
    select account_id, 'Plan ' || n as product_name, 'running' as state, mrr
    from marts.customer_360, range(2) r(n);
    create table marts.account_invoices as
    select account_id, 'in_' || n as source_id, 'paid' as status, mrr as total,
        timestamp '2024-12-01' + to_months(cast(n as integer)) as issued_at
    from marts.customer_360, range(24) r(n);
    create table marts.account_tickets as
    select account_id, 't_' || n as source_id, 'solved' as status, 'normal' as priority,
        timestamp '2026-01-01' + to_days(cast(n * 9 as integer)) as created_at
    from marts.customer_360, range(30) r(n);
    create table marts.account_survey_answers as
    select account_id, 'nps' as instrument, n as score, 10 as scale_max, n * 10 as score_0_100,
        timestamp '2026-01-01' + to_days(cast(n * 30 as integer)) as responded_at
    from marts.customer_360, range(8) r(n);
    create table marts.account_timeline as
    select account_id, 'ticket_opened' as kind, 'normal' as detail, 'e_' || n as source_id,
        timestamp '2025-01-01' + to_days(cast(n * 6 as integer)) as happened_at
    from marts.customer_360, range(100) r(n);
    create table marts.mrr_monthly as
    select account_id, month_on, 'none' as movement, mrr as mrr_reporting,
        'USD' as reporting_currency
    from marts.customer_360, (
        select cast(d as date) as month_on
        from range(date '2024-12-01', date '2026-12-01', interval 1 month) r(d)
    );
    create table marts.mrr_movements as
    select
        account_id, month_on, month_on < date '2026-11-01' as is_closed,
        ['new', 'expansion', 'churn'][cast(1 + hash(account_id) % 3 as integer)] as movement,
        cast(null as varchar) as sub_type, mrr_reporting as amount_reporting, reporting_currency
    from marts.mrr_monthly where hash(account_id, month_on) % 10 = 0;
    create table marts.account_usage_daily as
    select account_id, day, true as is_known, 40 as core_events, 9 as dau, 20 as wau, 30 as mau,
        90 as issued_users
    from marts.customer_360, (
        select cast(d as date) as day
        from range(date '2026-09-02', date '2026-11-02', interval 1 day) r(d)
    );
    create table marts.cohort_retention as
    select cast(d as date) as cohort_on, a as age_months, 100 as accounts, 100 - a as accounts_left,
        1 - a / 100 as logo_retention, 1 + a / 100 as revenue_retention
    from range(date '2024-12-01', date '2026-12-01', interval 1 month) r(d), range(24) s(a);
    create table marts.kpi_monthly as
    select metric, cast(d as date) as month_on, 'all' as segment, true as is_closed, 1.02 as value
    from range(date '2024-12-01', date '2026-11-01', interval 1 month) r(d),
        (values ('nrr_12m'), ('grr_12m')) t(metric);
    create table marts.identity_map as
    select account_id, 'source_' || s as source, 'account' as entity, account_id as source_id,
        'company_domain' as rule, 'domain' as evidence, 0.8 as confidence
    from marts.customer_360, range(5) r(s);
    create table marts.source_freshness as
    select 'crm' as source, 'crm' as kind, timestamp '2026-11-01 11:00' as newest_record_at,
        timestamp '2026-11-01 12:00' as pulled_at, 1.0 as data_age_hours, 0.0 as pull_age_hours;
"""


def main(_: Sandbox, home: Path) -> None:
    """Publish the accounts, then draw the first view, filters and customers, nothing kept."""
    warehouse = home / "warehouse.duckdb"
    with duckdb.connect(warehouse) as connection:
        connection.execute(WAREHOUSE)
    published = home / "published"
    publish(warehouse, published, run_id="bench", as_of=AS_OF)
    os.environ["C360_PUBLISH_DIR"] = str(published)
    # What a server has done before anybody comes: imported everything.
    _opened({"account": "crm:0"})
    first = median(_seconds({}) for _ in range(ROUNDS))
    customer = median(_seconds({"account": f"crm:{n}"}) for n in range(1, ROUNDS + 1))
    told = f"{ACCOUNTS:,} accounts"
    line("page: first view, of 3 s", first / FIRST_VIEW_SECONDS, "<= 1", f"{first:.2f} s, {told}")
    line("page: a customer, of 3 s", customer / FIRST_VIEW_SECONDS, "<= 1", f"{customer:.2f} s")
    filtered = _filtered()
    line(
        "page: a filter, of 0.5 s",
        median(filtered) / FILTER_SECONDS,
        "<= 1",
        f"{median(filtered):.2f} s, the slowest {max(filtered):.2f} s",
    )


def _opened(address: dict[str, str]) -> AppTest:
    page = AppTest.from_file(str(ROOT / "page" / "app.py"), default_timeout=120)
    page.query_params.update(address)
    page.run()
    if page.exception or not page.metric:
        raise RuntimeError(f"the page did not draw: {page.exception}")
    return page


def _seconds(address: dict[str, str]) -> float:
    st.cache_data.clear()
    with stopwatch() as measured:
        _opened(address)
    return measured.seconds


def _filtered() -> list[float]:
    page, seconds = _opened({}), []
    for key, values in FILTERS:
        page.multiselect(key=key).set_value(values)
        seconds.append(_run(page))
        page.multiselect(key=key).set_value([])
    page.text_input(key="search").set_value(SEARCH)
    return [*seconds, _run(page)]


def _run(page: AppTest) -> float:
    with stopwatch() as measured:
        page.run()
    return measured.seconds
