{#- Use of the product per account with a product record, over the 28 days that end with the horizon. -#}
with horizon as (
    select day from {{ ref('int_product_horizon') }}
),

days as (
    select
        activity.*,
        {{ dbt.datediff(
            'activity.day', 'horizon.day', 'day'
        ) }} as days_ago
    from {{ ref('int_account_activity_daily') }} as activity
    cross join horizon
    where activity.day <= horizon.day
),

user_days as (
    select account_id, user_key, count(distinct day) as active_days
    from days
    where is_core and days_ago < 28 and user_key is not null
    group by account_id, user_key
),

stars as (
    select account_id, count(*) as star_players
    from user_days
    where active_days >= {{ var('star_player_active_days') }}
    group by account_id
),

active as (
    select
        account_id,
        count(distinct case when is_core and days_ago < 28 then user_key end) as active_users_28d,
        count(distinct case when is_core and days_ago between 28 and 55 then user_key end)
            as active_users_before_28d,
        count(distinct case when is_core then user_key end) as ever_active_users,
        count(distinct case when days_ago < 28 then integration end) as integrations_in_use,
        max(case when is_core then last_at end) as last_core_event_at,
        min(case when is_core then days_ago end) as days_since_core_use
    from days
    group by account_id
),

issued as (
    select account_id, count(*) as issued_users
    from {{ ref('int_product_users') }}
    where not is_excluded and account_id is not null
    group by account_id
),

mapped as (
    select account_id from {{ ref('int_account_master') }}
    where has_product
)

select
    mapped.account_id,
    coalesce(issued.issued_users, 0) as issued_users,
    coalesce(active.active_users_28d, 0) as active_users_28d,
    coalesce(active.active_users_before_28d, 0) as active_users_before_28d,
    coalesce(active.ever_active_users, 0) as ever_active_users,
    coalesce(active.integrations_in_use, 0) as integrations_in_use,
    coalesce(stars.star_players, 0) as star_players,
    active.last_core_event_at,
    active.days_since_core_use,
    horizon.day as measured_on
from mapped
cross join horizon
left join active on mapped.account_id = active.account_id
left join issued on mapped.account_id = issued.account_id
left join stars on mapped.account_id = stars.account_id
