{#- Which feature an account used, and how many of its users how often, in the four weeks up to each week. -#}
with used as (
    select * from {{ ref('int_feature_user_weeks') }}
),

windows as (
    select * from {{ ref('int_usage_windows') }}
),

by_user as (
    select
        used.account_id,
        used.feature,
        windows.week_start,
        windows.week_end,
        used.source,
        used.user_key,
        sum(used.active_days) as active_days,
        sum(case when used.week_start = windows.week_start then 1 else 0 end) as is_in_week,
        sum(case when used.week_start = windows.week_start then used.core_events else 0 end) as core_events
    from used
    inner join windows on used.week_start = windows.use_week
    group by 1, 2, 3, 4, 5, 6
),

weeks_used as (
    select
        used.account_id,
        used.feature,
        windows.week_start,
        count(distinct used.week_start) as weeks_used
    from (select distinct account_id, feature, week_start from used) as used
    inner join windows on used.week_start = windows.use_week
    group by 1, 2, 3
),

by_feature as (
    select
        account_id,
        feature,
        week_start,
        week_end,
        sum(is_in_week) as users,
        sum(core_events) as core_events,
        count(*) as users_4w,
        count(case when active_days >= {{ var('star_player_active_days') }} then 1 end) as frequent_users_4w
    from by_user
    group by 1, 2, 3, 4
)

select
    by_feature.*,
    weeks_used.weeks_used,
    weeks_used.weeks_used >= {{ var('feature_adoption_weeks') }} as is_adopted
from by_feature
inner join weeks_used
    on
        by_feature.account_id = weeks_used.account_id
        and by_feature.feature = weeks_used.feature
        and by_feature.week_start = weeks_used.week_start
