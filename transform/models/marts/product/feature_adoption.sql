with weeks as (
    select * from {{ ref('int_usage_weeks') }}
),

told as (
    select usage_days.account_id, weeks.week_start, weeks.week_end
    from {{ ref('account_usage_daily') }} as usage_days
    inner join weeks on usage_days.day = weeks.week_end
    where usage_days.is_known
),

entitled as (
    select
        weeks.week_start,
        entitlements.account_id,
        entitlements.feature
    from {{ ref('int_feature_entitlements') }} as entitlements
    inner join weeks
        on entitlements.month_on = cast({{ dbt.date_trunc('month', 'weeks.week_end') }} as date)
),

with_plan as (
    select distinct account_id, week_start from entitled
),

used as (
    select * from {{ ref('int_feature_weeks') }}
),

active as (
    select account_id, week_start, active_users from {{ ref('int_star_players') }}
),

pairs as (
    select
        coalesce(used.account_id, entitled.account_id) as account_id,
        coalesce(used.feature, entitled.feature) as feature,
        coalesce(used.week_start, entitled.week_start) as week_start,
        entitled.feature is not null as is_entitled,
        used.users,
        used.core_events,
        used.users_4w,
        used.frequent_users_4w,
        used.weeks_used,
        used.is_adopted
    from used
    full outer join entitled
        on
            used.account_id = entitled.account_id
            and used.feature = entitled.feature
            and used.week_start = entitled.week_start
)

select
    pairs.account_id,
    pairs.feature,
    told.week_start,
    told.week_end,
    case when with_plan.account_id is not null then pairs.is_entitled end as is_entitled,
    cast(coalesce(pairs.core_events, 0) as {{ dbt.type_bigint() }}) as core_events,
    cast(coalesce(pairs.users, 0) as {{ dbt.type_bigint() }}) as users,
    cast(coalesce(pairs.users_4w, 0) as {{ dbt.type_bigint() }}) as users_4w,
    cast(coalesce(active.active_users, 0) as {{ dbt.type_bigint() }}) as active_users_4w,
    cast(1.0 * coalesce(pairs.users_4w, 0) / active.active_users as {{ sql_type('ratio') }}) as user_share,
    cast(coalesce(pairs.weeks_used, 0) as {{ dbt.type_bigint() }}) as weeks_used_4w,
    coalesce(pairs.is_adopted, false) as is_adopted,
    cast(coalesce(pairs.frequent_users_4w, 0) as {{ dbt.type_bigint() }}) as frequent_users_4w,
    cast(1.0 * pairs.frequent_users_4w / pairs.users_4w as {{ sql_type('ratio') }}) as depth
from pairs
inner join told on pairs.account_id = told.account_id and pairs.week_start = told.week_start
left join active on pairs.account_id = active.account_id and pairs.week_start = active.week_start
left join with_plan on pairs.account_id = with_plan.account_id and pairs.week_start = with_plan.week_start
