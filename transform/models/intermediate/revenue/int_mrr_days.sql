{#-
    The days on which the MRR of a subscription is taken: the last day of each month, that of as_of,
    and every day on which it may change. Between two of them it stands still.
-#}
{%- set grace = var('past_due_grace_days') -%}
{%- set after_grace = dbt.dateadd('day', grace + 1, 'due_on') -%}
with months as (
    select * from {{ ref('int_mrr_months') }}
),

lines as (
    select * from {{ ref('int_recurring_invoice_lines') }}
),

subscriptions as (
    {{ dated_versions('snap_subscriptions', 'started_at') }}
),

items as (
    {{ dated_versions('snap_subscription_items', 'created_at') }}
),

discounts as (
    {{ dated_versions('snap_discounts', 'starts_at') }}
),

ends as (
    select source, source_id, {{ local_date('ended_at') }} as day from {{ ref('int_subscriptions') }}
    where ended_at is not null
),

unpaid as (
    select
        source,
        subscription_source_id,
        {{ local_date('coalesce(due_at, issued_at)') }} as due_on,
        {{ local_date('paid_at') }} as paid_on
    from {{ ref('int_invoices') }}
    where
        status in ('open', 'uncollectible', 'paid')
        and subscription_source_id is not null
        and (paid_at is null or {{ local_date('paid_at') }} > {{ local_date('coalesce(due_at, issued_at)') }})
),

payers as (
    select distinct source, source_id as subscription_source_id, account_source_id from subscriptions
    union
    select distinct source, subscription_source_id, account_source_id from lines
),

first_loads as (
    select source, min(first_load_on) as first_load_on from subscriptions
    group by source
),

begun as (
    {#- The first day of which anything is known, by invoice lines or by a look at the record. -#}
    select source, subscription_source_id, min(day) as first_on
    from (
        select source, subscription_source_id, period_start_on as day from lines
        union all
        select source, source_id as subscription_source_id, valid_from_on as day from subscriptions
    ) as known
    group by source, subscription_source_id
),

days_of_discounts as (
    select
        source,
        item_source_id,
        subscription_source_id,
        account_source_id,
        case
            when item_source_id is not null then 'item'
            when subscription_source_id is not null then 'subscription'
            else 'customer'
        end as scope,
        day
    from (
        {%- for day in ['valid_from_on', 'valid_to_on', local_date('starts_at'), local_date('ends_at')] %}
        select source, item_source_id, subscription_source_id, account_source_id, {{ day }} as day
        from discounts
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as dated
),

both_times as (
    select true as is_of_snapshot
    union all
    select false as is_of_snapshot
),

changes as (
    {%- for day in ['valid_from_on', 'valid_to_on', local_date('started_at'), local_date('ended_at'),
        local_date('trial_end_at'), local_date('pause_resumes_at'), local_date('cancel_at')] %}
    select source, source_id as subscription_source_id, {{ day }} as day, true as is_of_snapshot
    from subscriptions
    union all
    {%- endfor %}
    select
        source,
        source_id as subscription_source_id,
        {{ local_date('current_period_end_at') }} as day,
        true as is_of_snapshot
    from subscriptions
    where cancel_at_period_end
    union all
    {%- for begin in ['current_period_start_at', 'started_at'] %}
    select
        source,
        source_id as subscription_source_id,
        cast({{ dbt.dateadd('day', grace + 1, local_date(begin)) }} as date) as day,
        true as is_of_snapshot
    from subscriptions
    where status = 'past_due'
    union all
    {%- endfor %}
    select source, source_id as subscription_source_id, day, true as is_of_snapshot from ends
    union all
    {%- for day in ['valid_from_on', 'valid_to_on'] %}
    select source, subscription_source_id, {{ day }} as day, true as is_of_snapshot from items
    union all
    {%- endfor %}
    {%- for day in ['due_on', 'paid_on', 'cast(' ~ after_grace ~ ' as date)'] %}
    select source, subscription_source_id, {{ day }} as day, true as is_of_snapshot from unpaid
    union all
    {%- endfor %}
    select days_of_discounts.source, items.subscription_source_id, days_of_discounts.day, true as is_of_snapshot
    from days_of_discounts
    inner join items
        on days_of_discounts.source = items.source and days_of_discounts.item_source_id = items.source_id
    where days_of_discounts.scope = 'item'
    union all
    select source, subscription_source_id, day, true as is_of_snapshot from days_of_discounts
    where scope = 'subscription'
    union all
    select days_of_discounts.source, payers.subscription_source_id, days_of_discounts.day, true as is_of_snapshot
    from days_of_discounts
    inner join payers
        on
            days_of_discounts.source = payers.source
            and days_of_discounts.account_source_id = payers.account_source_id
    where days_of_discounts.scope = 'customer'
    union all
    {%- for day in ['period_start_on', 'period_end_on', 'ended_on'] %}
    select source, subscription_source_id, {{ day }} as day, false as is_of_snapshot from lines
    union all
    {%- endfor %}
    {%- for day in ['paid_on', 'cast(' ~ after_grace ~ ' as date)'] %}
    select source, subscription_source_id, {{ day }} as day, false as is_of_snapshot from lines
    where paid_on is null or paid_on > {{ after_grace }}
    union all
    {%- endfor %}
    select payers.source, payers.subscription_source_id, placings.from_on as day, both_times.is_of_snapshot
    from payers
    inner join {{ ref('int_account_placings') }} as placings
        on payers.source = placings.source and payers.account_source_id = placings.source_id
    cross join both_times
    where placings.from_on is not null
),

days as (
    select changes.source, changes.subscription_source_id, changes.day
    from changes
    left join first_loads on changes.source = first_loads.source
    where
        changes.is_of_snapshot
        = case when first_loads.first_load_on is null then false else changes.day >= first_loads.first_load_on end
    union
    select begun.source, begun.subscription_source_id, months.measured_on
    from begun
    inner join months on begun.first_on <= months.measured_on
    union
    select begun.source, begun.subscription_source_id, first_loads.first_load_on
    from begun
    inner join first_loads on begun.source = first_loads.source
)

select
    days.source,
    days.subscription_source_id,
    days.day as measured_on,
    cast({{ dbt.date_trunc('month', 'days.day') }} as date) as month_on,
    months.month_on is not null as is_month_end,
    days.day < {{ as_of_day() }} as is_closed
from days
inner join begun
    on
        days.source = begun.source
        and days.subscription_source_id = begun.subscription_source_id
        and days.day >= begun.first_on
left join months on days.day = months.measured_on
where days.day <= {{ as_of_day() }}
