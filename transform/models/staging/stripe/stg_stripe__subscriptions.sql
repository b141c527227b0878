{#-
    Newer API versions keep the period on the items, which may differ: the subscription then runs
    from the earliest start to the latest end, the term of its longest item.
-#}
with subscriptions as (
    select * from {{ source('raw_stripe', 'subscriptions') }}
),

periods as (
    select
        subscription,
        min(current_period_start) as period_start,
        max(current_period_end) as period_end
    from {{ source('raw_stripe', 'subscription_items') }}
    group by subscription
)

select
    'stripe' as source,
    subscriptions.id as source_id,
    subscriptions.customer as account_source_id,
    subscriptions.status,
    upper(subscriptions.currency) as currency,
    {{ from_epoch('coalesce(subscriptions.start_date, subscriptions.created)') }} as started_at,
    {{ from_epoch('subscriptions.ended_at') }} as ended_at,
    {{ from_epoch('subscriptions.trial_start') }} as trial_start_at,
    {{ from_epoch('subscriptions.trial_end') }} as trial_end_at,
    {{ from_epoch('subscriptions.cancel_at') }} as cancel_at,
    coalesce(subscriptions.cancel_at_period_end, false) as cancel_at_period_end,
    {{ from_epoch('subscriptions.canceled_at') }} as canceled_at,
    subscriptions.cancellation_reason,
    {{ json_text('subscriptions.pause_collection', 'behavior') }} as pause_behavior,
    {{ from_epoch(try_cast(json_text('subscriptions.pause_collection', 'resumes_at'), 'integer')) }}
        as pause_resumes_at,
    {{ from_epoch('periods.period_start') }} as current_period_start_at,
    {{ from_epoch('periods.period_end') }} as current_period_end_at,
    subscriptions.collection_method,
    {{ from_epoch('subscriptions.created') }} as created_at
from subscriptions
left join periods on subscriptions.id = periods.subscription
