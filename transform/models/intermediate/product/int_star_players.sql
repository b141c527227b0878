{#- Users with a core event in the four weeks up to each week, and those of them who came often. -#}
with bounds as (
    select min(use_week) as first_day from {{ ref('int_usage_windows') }}
),

user_weeks as (
    select
        days.account_id,
        days.source,
        days.user_key,
        cast({{ dbt.date_trunc('week', 'days.day') }} as date) as use_week,
        count(*) as active_days,
        sum(days.core_events) as core_events
    from {{ ref('int_account_user_days') }} as days
    inner join bounds on days.day >= bounds.first_day
    group by 1, 2, 3, 4
),

by_user as (
    select
        user_weeks.account_id,
        windows.week_start,
        user_weeks.source,
        user_weeks.user_key,
        sum(user_weeks.active_days) as active_days,
        sum(user_weeks.core_events) as core_events
    from user_weeks
    inner join {{ ref('int_usage_windows') }} as windows on user_weeks.use_week = windows.use_week
    group by 1, 2, 3, 4
)

select
    account_id,
    week_start,
    count(*) as active_users,
    sum(core_events) as core_events,
    count(case when active_days >= {{ var('star_player_active_days') }} then 1 end) as star_players,
    sum(case when active_days >= {{ var('star_player_active_days') }} then core_events else 0 end)
        as star_player_core_events
from by_user
group by 1, 2
