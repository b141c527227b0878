with days as (
    select * from {{ ref('int_mrr_days') }}
),

versions as (
    {{ dated_versions('snap_subscriptions', 'started_at') }}
),

now_known as (
    select source, source_id, ended_at from {{ ref('int_subscriptions') }}
),

placings as (
    select * from {{ ref('int_account_placings') }}
),

invoices as (
    select * from {{ ref('int_invoices') }}
    where status in ('open', 'uncollectible', 'paid')
),

states as (
    select
        days.month_on,
        days.measured_on,
        days.is_month_end,
        versions.*,
        {#- The end is a dated fact: a later look at the record tells it better than the last look before. -#}
        coalesce({{ local_date('now_known.ended_at') }}, {{ local_date('versions.ended_at') }}) as ended_on,
        {{ local_date('versions.started_at') }} as started_on,
        {{ local_date('versions.trial_end_at') }} as trial_end_on,
        {{ local_date('versions.pause_resumes_at') }} as pause_resumes_on,
        {{ local_date('versions.current_period_end_at') }} as period_end_on,
        {{ local_date('versions.cancel_at') }} as cancel_on
    from days
    inner join versions
        on
            days.source = versions.source
            and days.subscription_source_id = versions.source_id
            and days.measured_on >= versions.first_load_on
            and days.measured_on >= versions.valid_from_on
            and (versions.valid_to_on is null or days.measured_on < versions.valid_to_on)
    left join now_known
        on versions.source = now_known.source and versions.source_id = now_known.source_id
),

overdue as (
    {#- The oldest invoice of the subscription that was due and not paid on that day. -#}
    select
        states.source,
        states.source_id,
        states.measured_on,
        min({{ local_date('coalesce(invoices.due_at, invoices.issued_at)') }}) as overdue_since_on
    from states
    inner join invoices
        on states.source = invoices.source and states.source_id = invoices.subscription_source_id
    where
        {{ local_date('coalesce(invoices.due_at, invoices.issued_at)') }} <= states.measured_on
        and (invoices.paid_at is null or {{ local_date('invoices.paid_at') }} > states.measured_on)
    group by states.source, states.source_id, states.measured_on
),

dated as (
    select
        states.*,
        placings.account_id,
        {{ dbt.datediff(
            'coalesce(overdue.overdue_since_on, ' ~ local_date('states.current_period_start_at') ~ ', states.started_on)',
            'states.measured_on', 'day'
        ) }} as days_past_due
    from states
    left join overdue
        on
            states.source = overdue.source
            and states.source_id = overdue.source_id
            and states.measured_on = overdue.measured_on
    left join placings
        on
            states.source = placings.source
            and states.account_source_id = placings.source_id
            and (placings.from_on is null or states.measured_on >= placings.from_on)
            and (placings.to_on is null or states.measured_on < placings.to_on)
)

select
    source,
    source_id as subscription_source_id,
    month_on,
    measured_on,
    is_month_end,
    account_source_id,
    account_id,
    status,
    started_on,
    period_end_on,
    days_past_due,
    cancel_at_period_end or cancel_on is not null as is_cancelling,
    {#- Why it brings no MRR on that day; NULL when it does. First match. -#}
    case
        when ended_on < started_on then 'ends_before_start'
        when started_on > measured_on then 'not_started'
        when ended_on <= measured_on or status in ('canceled', 'incomplete_expired') then 'ended'
        when cancel_on <= measured_on then 'ended'
        when cancel_at_period_end and cancel_on is null and period_end_on <= measured_on then 'ended'
        when status in ('trialing', 'incomplete', 'unpaid', 'paused') then status
        when trial_end_on > measured_on then 'trialing'
        when
            pause_behavior = 'void'
            and (pause_resumes_on is null or pause_resumes_on > measured_on)
            then 'paused'
        when
            status = 'past_due' and days_past_due > {{ var('past_due_grace_days') }}
            then 'past_due_too_long'
        when status in ('active', 'past_due') then null
        else 'unknown_status'
    end as not_counted_because
from dated
