{#-
    What each user did on each day up to as_of. Complete days come from the incremental table; the
    day of as_of is read from the events, for it counts only up to that moment. Events from before
    signing in are those of whom the vendor says that the device belongs to, else of its only user.
-#}
{%- set has_aliases = entity_sources('product_user_aliases') | length > 0 -%}
{%- set only_device = 'case when activity.user_key is null then activity.device_key end' -%}
with daily as (
    select
        source,
        utc_date,
        day,
        account_key,
        user_key,
        device_key,
        event_name,
        integration,
        events,
        first_at,
        last_at
    from {{ ref('int_product_event_daily') }}
    where day < {{ as_of_day() }} and day >= cast('{{ var("history_start") }}' as date)
),

last_days as (
    {#- A reporting day touches two or three UTC days. -#}
    select source, utc_date from {{ ref('int_product_days') }}
    where
        utc_date >= {{ dbt.dateadd('day', -1, as_of_day()) }}
        and utc_date <= {{ dbt.dateadd('day', 1, as_of_day()) }}
),

last_events as (
    {{ deduplicated_events('last_days') }}
),

today as (
    select
        source,
        cast(occurred_at as date) as utc_date,
        {{ local_date('occurred_at') }} as day,
        account_key,
        user_key,
        device_key,
        event_name,
        {{ integration_name('properties') }} as integration,
        count(*) as events,
        min(occurred_at) as first_at,
        max(occurred_at) as last_at
    from last_events
    where {{ local_date('occurred_at') }} = {{ as_of_day() }} and occurred_at <= {{ as_of() }}
    group by 1, 2, 3, 4, 5, 6, 7, 8
),

activity as (
    select * from daily
    union all
    select * from today
),

devices as (
    select * from {{ ref('int_product_devices') }}
)

select
    activity.source,
    activity.utc_date,
    activity.day,
    activity.account_key,
    coalesce(
        {{ aliased_user('activity.user_key', 'users', has_aliases) }},
        {{ 'owners.user_key, ' if has_aliases }}devices.user_key
    ) as user_key,
    activity.event_name,
    activity.integration,
    sum(activity.events) as events,
    min(activity.first_at) as first_at,
    max(activity.last_at) as last_at
from activity
left join devices
    on
        activity.source = devices.source
        and activity.device_key = devices.device_key
        and activity.user_key is null
{{ join_aliases('users', 'activity', 'activity.user_key', has_aliases) }}
{{ join_aliases('owners', 'activity', only_device, has_aliases) }}
group by 1, 2, 3, 4, 5, 6, 7
