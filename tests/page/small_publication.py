"""A small publication, written by hand: five customers and one who left.

| account | CSM   | tier | band        | ARR     | priority |
| ------- | ----- | ---- | ----------- | ------- | -------- |
| Acme    | Sato  | high | red 30      | 120,000 | 126,000  |
| Bolt    | Vogel | low  | yellow 60   | 24,000  | 9,600    |
| Cove    | Sato  | tech | green 90    | 6,000   | 600      |
| a name that is Markdown and a formula | Vogel | tech | green 95 | 1,200 | 60 |
| Dusk    | -     | high | unknown     | 36,000  | -        |
| Left    | Sato  | -    | former      | 0       | -        |
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from page.expected import EXPECTED
from publish.publication import publish

AS_OF = datetime(2026, 3, 10, 12, tzinfo=UTC)
EVIL = "=[pay](http://evil.example) :red[x] <b>y</b>"

ACCOUNTS = f"""
    create table marts.customer_360 as
    select
        'hubspot:' || account_id as account_id, account_name,
        account_id || '.example' as domain, csm_name, 'Software' as industry, 'JP' as country,
        50 as employee_count, date '2025-01-01' as first_paid_on,
        timestamp '2026-02-20 09:00' as last_contact_at, 0 as overdue_days,
        'low' as health_scorecard,
        touch_tier, 'ARR is large' as touch_tier_reason,
        lifecycle_stage, 'Rule 1' as lifecycle_reason, is_customer,
        cast(arr / 12 as decimal(18, 4)) as mrr, cast(arr as decimal(18, 4)) as arr,
        'USD' as currency,
        case account_id when 'bolt' then 'hubspot:acme' end as parent_account_id,
        date '2026-04-01' as renewal_on, 22 as days_to_renewal,
        100 as licensed_seats, 80 as issued_users, 20 as active_users_28d,
        timestamp '2026-03-09 15:00' as last_core_event_at,
        cast(score as decimal(5, 2)) as health_score, health_band,
        null_reason as health_null_reason,
        case account_id when 'acme' then -12.4 when 'cove' then 0.2 end as health_delta_28d,
        case account_id when 'acme' then 3 when 'bolt' then 0 end as open_tickets,
        case account_id when 'acme' then 1 when 'bolt' then 0 end as open_urgent_tickets,
        80.0 as csat_90d_pct, 5 as csat_answers_90d, 8.5 as nps_latest, 2 as nps_answers_180d,
        cast(score + 10 as decimal(5, 2)) as health_raw_score,
        case account_id when 'acme' then 'payment_overdue' end as health_cap,
        cast(100 as decimal(5, 2)) as health_coverage_pct,
        cast(priority as decimal(18, 2)) as priority,
        reason as reason_1, cast(null as varchar) as reason_2, cast(null as varchar) as reason_3,
        'Pays on time' as strength_1, cast(null as varchar) as strength_2,
        cast(null as varchar) as strength_3
    from (values
        ('acme', 'Acme', 'Sato', 'high', 'retention', true, 120000, 30, 'red', null, 126000,
            'No core use for 19 days (risk above 14)'),
        ('bolt', 'Bolt', 'Vogel', 'low', 'adoption', true, 24000, 60, 'yellow', null, 9600, 'Few'),
        ('cove', 'Cove', 'Sato', 'tech', 'adoption', true, 6000, 90, 'green', null, 600, null),
        ('evil', '{EVIL}', 'Vogel', 'tech', 'adoption', true, 1200, 95, 'green', null, 60, null),
        ('dusk', 'Dusk', null, 'high', 'onboarding', true, 36000, null, 'unknown', 'unmapped', null,
            null),
        ('left', 'Left', 'Sato', null, 'churned', false, 0, null, 'unknown', 'not_a_customer', null,
            null)
    ) t(account_id, account_name, csm_name, touch_tier, lifecycle_stage, is_customer, arr, score,
        health_band, null_reason, priority, reason)
"""
MARTS = [
    ACCOUNTS,
    """
    create table marts.health_bands_now as
    select health_band, count(*) as customers, sum(arr) as arr
    from marts.customer_360 where is_customer group by 1
    """,
    """
    create table marts.kpi_monthly as select * from (values
        ('nrr_12m', date '2026-01-01', 'all', true, 1.02, null, 'closed cohort', 4),
        ('nrr_12m', date '2026-02-01', 'all', true, 1.04, 1.1, 'closed cohort', 4),
        ('nrr_12m', date '2026-03-01', 'all', false, 0.5, null, 'closed cohort', 4),
        ('grr_12m', date '2026-02-01', 'all', true, 0.91, null, 'closed cohort', 4)
    ) t(metric, month_on, segment, is_closed, value, target, method, population)
    """,
    """
    create table marts.health_backtest as
    select
        health_version, 'all' as period, 'all' as segment, target,
        'not_enough_evidence' as evidence, date '2025-01-31' as first_observed_on,
        date '2025-11-30' as last_observed_on,
        50 as observations, 0 as rebuilt_observations, 5 as customers, 1 as lost_customers,
        none as auc, none as auc_low, none as auc_high, none as auc_days_since_core_use,
        none as lift_top_decile, none as captured_arr_20_pct, none as red_hit_pct,
        none as yellow_hit_pct, none as green_hit_pct, none as warned_pct, none as green_before_pct
    from (select cast(null as double) as none),
        (values ('v1'), ('v2')) v(health_version), (values ('churn'), ('voluntary')) t(target)
    """,
    """
    create table marts.mrr_movements as select * from (values
        ('hubspot:acme', date '2026-02-01', true, 'expansion', 'upsell', 700, 'USD'),
        ('hubspot:bolt', date '2026-02-01', true, 'expansion', 'cross_sell', 300, 'USD'),
        ('hubspot:left', date '2026-02-01', true, 'churn', 'involuntary', -50, 'USD'),
        ('hubspot:bolt', date '2026-03-01', false, 'contraction', null, -100, 'USD'),
        ('hubspot:dusk', date '2026-03-01', false, 'new', null, null, 'USD')
    ) t(account_id, month_on, is_closed, movement, sub_type, amount_reporting, reporting_currency)
    """,
    """
    create table marts.cohort_retention as select * from (values
        (date '2026-01-01', 0, 4, 4, 1.0, 1.0), (date '2026-01-01', 1, 4, 3, 0.75, 1.1),
        (date '2026-02-01', 0, 2, 2, 1.0, 1.0), (date '2026-02-01', 1, 2, null, null, null)
    ) t(cohort_on, age_months, accounts, accounts_left, logo_retention, revenue_retention)
    """,
    """
    create table marts.health_score_drivers as select * from (values
        ('hubspot:acme', 'days_since_core_use', 'Days since core use', 'adoption', 19, 'days',
            14, 7, 32.1, 'red', null, 60, 60, 19.3, 40.7, 'No core use for 19 days'),
        ('hubspot:acme', 'active_to_licensed', 'Active users per paid seat', 'adoption', 0.2,
            'share', 0.6, 0.76, 16.7, 'red', null, 40, 40, 6.7, 33.3, 'Only 20 % of paid seats'),
        ('hubspot:acme', 'own_measure', 'A measure of our own', 'maturity', null, 'count', 1, 2,
            null, null, 'source_off', 0, null, null, null, null)
    ) t(account_id, measure, label, score_group, raw_value, unit, red_limit, green_limit, score,
        band, null_reason, nominal_weight, weight_used, points, points_lost, reason)
    """,
    # Acme was yellow under v1 and again under v2; Bolt and Cove stand aside; Mondays and Sundays.
    """
    create table marts.customer_health_history as
    select
        'hubspot:' || account_id as account_id, day, health_version, is_in_force,
        cast(arr as decimal(18, 4)) as arr, score as health_score, health_band,
        cap as health_cap, null as health_null_reason, hand as health_override,
        case when hand is not null then 'Kim' end as health_override_by,
        case when hand is not null then '=They *left*' end as health_override_reason,
        case when hand is not null then date '2026-04-01' end as health_override_expires_on
    from (values
        ('acme', date '2026-02-26', 'v1', true, 100000, 60, 'yellow', null, null),
        ('bolt', date '2026-02-26', 'v1', true, 24000, 80, 'green', null, null),
        ('acme', date '2026-03-01', 'v1', true, 100000, 55, 'yellow', null, null),
        ('bolt', date '2026-03-01', 'v1', true, 24000, null, 'unknown', null, null),
        ('acme', date '2026-03-02', 'v2', true, 100000, 52, 'yellow', null, null),
        ('acme', date '2026-03-08', 'v2', true, 120000, 49, 'red', 'payment_overdue', null),
        ('acme', date '2026-03-08', 'v1', false, 120000, 66, 'yellow', null, null),
        ('bolt', date '2026-03-08', 'v2', true, 24000, 60, 'yellow', null, null),
        ('acme', date '2026-03-10', 'v2', true, 120000, 30, 'red', 'override', 'cap'),
        ('bolt', date '2026-03-10', 'v2', true, 24000, 60, 'yellow', null, null)
    ) t(account_id, day, health_version, is_in_force, arr, score, health_band, cap, hand)
    """,
    """
    create table marts.account_hierarchy as select * from (values
        ('hubspot:acme', null, 'hubspot:acme', 0), ('hubspot:bolt', 'hubspot:acme',
            'hubspot:acme', 1), ('hubspot:cove', 'hubspot:bolt', 'hubspot:acme', 2),
        ('hubspot:dusk', null, 'hubspot:dusk', 0)
    ) t(account_id, parent_account_id, ultimate_parent_account_id, depth)
    """,
    """
    create table marts.account_subscriptions as select * from (values
        ('hubspot:acme', 'Old plan', 'ended', 5, null, 'EUR', 1, date '2024-01-01', null, false,
            date '2025-01-01'),
        ('hubspot:acme', 'Platform', 'running', 100, 10000, 'EUR', 12, date '2025-01-01',
            date '2026-04-01', true, null)
    ) t(account_id, product_name, state, quantity, mrr, currency, term_months, started_on,
        period_end_on, is_cancelling, ended_on)
    """,
    """
    create table marts.account_invoices as select * from (values
        ('hubspot:acme', 'stripe', 'in_1', 'paid', 'EUR', 90000, 0, timestamp '2025-01-01',
            timestamp '2025-01-31', timestamp '2025-01-20', 0),
        ('hubspot:acme', 'stripe', 'in_2', 'overdue', 'EUR', 15000, 15000, timestamp '2026-01-01',
            timestamp '2026-01-31', null, 38),
        ('hubspot:acme', 'stripe', 'in_3', 'overdue', 'EUR', 500, 400, timestamp '2026-02-01',
            timestamp '2026-03-03', null, 7)
    ) t(account_id, source, source_id, status, currency, total, amount_remaining, issued_at,
        due_at, paid_at, overdue_days)
    """,
    """
    create table marts.account_tickets as select * from (values
        ('hubspot:acme', 'zendesk', '9', 'email', 'solved', 'low', timestamp '2026-03-09 08:00',
            1.25, 30, 1),
        ('hubspot:acme', 'zendesk', '7', 'web', 'open', 'urgent', timestamp '2026-03-08 08:00',
            null, null, 0),
        ('hubspot:acme', 'zendesk', '8', 'web', 'waiting', 'normal', timestamp '2026-03-07 08:00',
            2, null, 0)
    ) t(account_id, source, source_id, channel, status, priority, created_at, first_reply_hours,
        resolution_hours, reopened_count)
    """,
    """
    create table marts.account_survey_answers as select * from (values
        ('hubspot:acme', 'delighted', 'nps', 9, 10, 90, 'promoter', timestamp '2026-02-01'),
        ('hubspot:acme', 'zendesk', 'csat', 1, 5, 0, null, timestamp '2026-03-01')
    ) t(account_id, source, instrument, score, scale_max, score_0_100, bucket, responded_at)
    """,
    """
    create table marts.account_timeline as select * from (values
        ('hubspot:acme', timestamp '2026-03-08', 'band_changed', 'red', 49, 'points', null, null),
        ('hubspot:acme', timestamp '2026-03-08 08:00', 'ticket_opened', 'urgent', null, null,
            'zendesk', '7'),
        ('hubspot:acme', timestamp '2026-02-01', 'mrr_movement', 'expansion', 700, 'USD', null,
            null),
        ('hubspot:acme', timestamp '2026-01-09 09:00', 'contact', 'site_visit', null, null,
            'hubspot', 'm1')
    ) t(account_id, happened_at, kind, detail, amount, unit, source, source_id)
    """,
    """
    create table marts.account_usage_daily as
    select
        'hubspot:acme' as account_id, day, day <> date '2026-03-02' as is_known,
        case when is_known then 9 end as core_events, case when is_known then 3 end as dau,
        case when is_known then 8 end as wau, case when is_known then 20 end as mau,
        case when is_known then 80 end as issued_users
    from (select cast(d as date) as day
        from range(date '2026-02-01', date '2026-03-10', interval 1 day) r(d))
    """,
    """
    create table marts.mrr_monthly as
    select 'hubspot:acme' as account_id, date '2026-02-01' as month_on, 'expansion' as movement,
        10000 as mrr_reporting, 'USD' as reporting_currency
    """,
    """
    create table marts.renewals as
    select 'hubspot:acme' as account_id, date '2026-01-31' as due_on, 'Platform' as product_name,
        'expanded' as outcome, true as had_notice, 90000 as arr_due_reporting,
        90000 as arr_renewed_reporting, 'USD' as reporting_currency
    """,
    """
    create table marts.identity_map as select * from (values
        ('hubspot:acme', 'hubspot', 'account', 'acme', 'crm_record', null, 1.0, null, null),
        ('hubspot:acme', 'stripe', 'account', 'cus_1', 'billing_domain', 'acme.example', 0.8,
            timestamp '2025-01-01', null),
        ('hubspot:acme', 'stripe', 'account', 'cus_0', 'billing_name', 'acme', 0.5,
            timestamp '2024-01-01', timestamp '2025-01-01')
    ) t(account_id, source, entity, source_id, rule, evidence, confidence, valid_from,
        valid_to)
    """,
    """
    create table marts.source_freshness as select * from (values
        ('hubspot', 'crm', timestamp '2026-03-10 09:00', timestamp '2026-03-10 11:00', 3, 1),
        ('stripe', 'billing', timestamp '2026-03-09 16:00', timestamp '2026-03-10 10:00', 20, 2)
    ) t(source, kind, newest_record_at, pulled_at, data_age_hours, pull_age_hours)
    """,
]


def publish_at(folder: Path, *changes: str, run_id: str = "run-1") -> Path:
    """Publish the marts, changed by the statements of `changes`, to `folder`/published."""
    warehouse = folder / "warehouse.duckdb"
    warehouse.unlink(missing_ok=True)
    with duckdb.connect(str(warehouse)) as connection:
        for statement in ["create schema marts", *MARTS, *changes]:
            connection.execute(statement)
    publish(warehouse, folder / "published", run_id=run_id, as_of=AS_OF)
    return folder / "published"


def without(marts: Sequence[str]) -> list[str]:
    """Statements that take marts away."""
    return [f"drop table marts.{mart}" for mart in marts]


def bare() -> list[str]:
    """Statements that leave of every mart but its first column."""
    return [
        f"create or replace table marts.{mart} as select {next(iter(columns))} from marts.{mart}"
        for mart, columns in EXPECTED.items()
    ]


def empty() -> list[str]:
    """Statements that leave no row anywhere but in source_freshness."""
    return [f"delete from marts.{mart}" for mart in EXPECTED]
