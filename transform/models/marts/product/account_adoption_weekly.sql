with told as (
    select
        usage_days.account_id,
        usage_days.issued_users,
        weeks.week_start,
        weeks.week_end
    from {{ ref('account_usage_daily') }} as usage_days
    inner join {{ ref('int_usage_weeks') }} as weeks on usage_days.day = weeks.week_end
    where usage_days.is_known
),

stars as (
    select * from {{ ref('int_star_players') }}
),

features as (
    select
        account_id,
        week_start,
        count(case when is_adopted then 1 end) as adopted_features,
        count(case when is_entitled then 1 end) as entitled_features,
        count(case when is_entitled and is_adopted then 1 end) as adopted_entitled_features
    from {{ ref('feature_adoption') }}
    group by account_id, week_start
)

select
    told.account_id,
    told.week_start,
    told.week_end,
    told.issued_users,
    cast(coalesce(stars.active_users, 0) as {{ dbt.type_bigint() }}) as active_users_4w,
    cast(coalesce(stars.star_players, 0) as {{ dbt.type_bigint() }}) as star_players,
    coalesce(stars.star_players, 0) > 0 as has_star_player,
    cast(1.0 * stars.star_players / stars.active_users as {{ sql_type('ratio') }}) as star_player_share,
    cast(1.0 * stars.star_player_core_events / stars.core_events as {{ sql_type('ratio') }})
        as star_player_event_share,
    cast(coalesce(features.adopted_features, 0) as {{ dbt.type_bigint() }}) as adopted_features,
    cast(nullif(features.entitled_features, 0) as {{ dbt.type_bigint() }}) as entitled_features,
    cast(1.0 * features.adopted_entitled_features / nullif(features.entitled_features, 0) as {{ sql_type('ratio') }})
        as breadth,
    case when coalesce(features.entitled_features, 0) = 0 then 'not_entitled' end as breadth_null_reason
from told
left join stars on told.account_id = stars.account_id and told.week_start = stars.week_start
left join features on told.account_id = features.account_id and told.week_start = features.week_start
