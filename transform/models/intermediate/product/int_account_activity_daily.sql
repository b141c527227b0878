{#-
    What each user did for which account on each day up to as_of. Complete days come from the
    incremental table; the day of as_of is read from the events, for it counts only up to that
    moment. An event without an account belongs to the account of its user.
-#}
with daily as (
    select
        source,
        day,
        account_key,
        user_key,
        event_name,
        integration,
        events,
        last_at
    from {{ ref('int_product_user_daily') }}
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
        {{ local_date('occurred_at') }} as day,
        account_key,
        user_key,
        event_name,
        {{ integration_name('properties') }} as integration,
        count(*) as events,
        max(occurred_at) as last_at
    from last_events
    where {{ local_date('occurred_at') }} = {{ as_of_day() }} and occurred_at <= {{ as_of() }}
    group by 1, 2, 3, 4, 5, 6
),

activity as (
    select * from daily
    union all
    select * from today
),

users as (
    select source, user_key, account_key, is_excluded from {{ ref('int_product_users') }}
),

links as (
    select source, source_id, account_id from {{ ref('int_account_links') }}
),

event_catalog as (
    select * from {{ ref('event_catalog') }}
)

select
    links.account_id,
    activity.source,
    activity.day,
    activity.user_key,
    activity.event_name,
    coalesce(event_catalog.is_core, false) as is_core,
    event_catalog.feature,
    case when event_catalog.is_integration then activity.integration end as integration,
    cast(sum(activity.events) as {{ dbt.type_bigint() }}) as events,
    max(activity.last_at) as last_at
from activity
left join users on activity.source = users.source and activity.user_key = users.user_key
inner join links
    on
        activity.source = links.source
        and coalesce(activity.account_key, users.account_key) = links.source_id
left join event_catalog on activity.event_name = event_catalog.event_name
where links.account_id is not null and not coalesce(users.is_excluded, false)
group by 1, 2, 3, 4, 5, 6, 7, 8
