{#-
    What became of every customer of every month-end, judged by revenue alone: months are counted from
    the observation, because revenue is measured at month-ends.
-#}
{%- set embargo, horizon = var('backtest_embargo_months'), var('backtest_horizon_months') -%}
with followed as (
    select * from {{ ref('int_backtest_observed') }}
),

revenue as (
    select
        account_id,
        month_on,
        measured_on,
        mrr,
        coalesce(mrr, 0) + coalesce(usage_mrr, 0) > 0 as is_paying,
        coalesce(is_involuntary, false) as is_involuntary
    from {{ ref('int_account_mrr') }}
    where is_closed
),

known_through as (
    select max(month_on) as month_on from {{ ref('int_mrr_months') }}
    where is_closed
),

notices as (
    {#- The share of MRR whose end was already announced; announcing is dated by the billing system. -#}
    select
        followed.account_id,
        followed.observed_on,
        sum(
            case when {{ local_date('subscriptions.canceled_at') }} <= followed.observed_on then items.mrr else 0 end
        ) / nullif(sum(items.mrr), 0) as noticed_share
    from followed
    inner join {{ ref('int_item_mrr') }} as items
        on followed.account_id_today = items.account_id and followed.month_on = items.month_on
    inner join {{ ref('int_subscriptions') }} as subscriptions
        on items.source = subscriptions.source and items.subscription_source_id = subscriptions.source_id
    where items.not_counted_because is null
    group by followed.account_id, followed.observed_on
),

futures as (
    select
        followed.account_id,
        followed.observed_on,
        max(case when revenue.month_on = followed.month_on and revenue.is_paying then 1 else 0 end) = 1
            as was_paying,
        max(case when revenue.month_on = followed.month_on then revenue.mrr end) as mrr,
        min(case when revenue.month_on > followed.month_on and not revenue.is_paying then revenue.month_on end)
            as gone_month_on,
        min(
            case
                when
                    {{ dbt.datediff(
                        'followed.month_on', 'revenue.month_on', 'month'
                    ) }} between 1 and {{ embargo + horizon }}
                    then revenue.mrr
            end
        ) as least_mrr
    from followed
    inner join revenue on followed.account_id_today = revenue.account_id and followed.month_on <= revenue.month_on
    group by followed.account_id, followed.observed_on
),

unpaid as (
    {#- Ended by the billing system because nobody paid. -#}
    select distinct
        links.account_id,
        cast({{ dbt.date_trunc('month', local_date('subscriptions.ended_at')) }} as date) as month_on
    from {{ ref('int_subscriptions') }} as subscriptions
    inner join {{ ref('int_account_links') }} as links
        on subscriptions.source = links.source and subscriptions.account_source_id = links.source_id
    where subscriptions.cancellation_reason in ('payment_failed', 'payment_disputed')
),

joined as (
    select
        followed.*,
        futures.was_paying,
        gone.measured_on as churned_on,
        gone.is_involuntary or unpaid.account_id is not null as is_involuntary,
        100.0 * (futures.mrr - futures.least_mrr) / nullif(futures.mrr, 0) as contraction_pct,
        {{ dbt.datediff(
            'followed.month_on', 'futures.gone_month_on', 'month'
        ) }} as months_to_churn,
        {{ dbt.datediff(
            'followed.month_on', 'known_through.month_on', 'month'
        ) }} as months_known,
        coalesce(followed.cancelling_mrr_share > 0.5, false) or coalesce(notices.noticed_share > 0.5, false)
            as is_noticed
    from followed
    cross join known_through
    left join futures
        on followed.account_id = futures.account_id and followed.observed_on = futures.observed_on
    left join notices
        on followed.account_id = notices.account_id and followed.observed_on = notices.observed_on
    left join revenue as gone
        on followed.account_id_today = gone.account_id and futures.gone_month_on = gone.month_on
    left join unpaid
        on followed.account_id_today = unpaid.account_id and futures.gone_month_on = unpaid.month_on
),

judged as (
    select
        *,
        {#- First match: what keeps it out of the backtest comes before what became of it. -#}
        case
            when not coalesce(was_paying, false) then 'unknown'
            when is_noticed then 'noticed'
            when coalesce(tenure_days, 0) < {{ var('backtest_min_tenure_days') }} then 'young'
            when months_to_churn <= {{ embargo }} then 'embargo'
            when coalesce(months_known, 0) < {{ embargo + horizon }} then 'censored'
            when months_to_churn <= {{ embargo + horizon }} then 'churned'
            else 'stayed'
        end as outcome
    from joined
)

select
    account_id,
    observed_on,
    basis,
    touch_tier,
    tenure_days,
    cast(arr as {{ sql_type('money') }}) as arr,
    cast({{ dbt.last_day(dbt.dateadd('month', embargo, 'month_on'), 'month') }} as date) as embargo_until,
    cast({{ dbt.last_day(dbt.dateadd('month', embargo + horizon, 'month_on'), 'month') }} as date) as window_until,
    outcome,
    outcome in ('churned', 'stayed') as is_counted,
    churned_on,
    case when churned_on is null then null when is_involuntary then 'involuntary' else 'voluntary' end as churn_kind,
    cast(case when contraction_pct > 0 then contraction_pct else 0 end as decimal(5, 2)) as contraction_pct
from judged
