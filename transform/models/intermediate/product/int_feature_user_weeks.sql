{#- On how many days of a week who used which feature: the base of adoption by week. -#}
with bounds as (
    select min(use_week) as first_day from {{ ref('int_usage_windows') }}
)

select
    activity.account_id,
    lower(activity.feature) as feature,
    activity.source,
    activity.user_key,
    cast({{ dbt.date_trunc('week', 'activity.day') }} as date) as week_start,
    count(distinct activity.day) as active_days,
    sum(activity.events) as core_events
from {{ ref('int_account_activity_daily') }} as activity
inner join bounds on activity.day >= bounds.first_day
where activity.is_core and activity.feature is not null and activity.user_key is not null
group by 1, 2, 3, 4, 5
