{#-
    What each user did for which account on each day up to as_of. An event without an account
    belongs to the account of its user.
-#}
with activity as (
    select * from {{ ref('int_product_user_daily') }}
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
    coalesce(event_catalog.is_connection, false) as is_connection,
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
group by 1, 2, 3, 4, 5, 6, 7, 8, 9
