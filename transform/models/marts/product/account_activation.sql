select
    account_id,
    goal,
    version as activation_version,
    started_on,
    reached_on,
    cast(case when reached_on is not null then days_watched end as {{ dbt.type_bigint() }}) as days_to_goal,
    is_before_start,
    cast(days_watched as {{ dbt.type_bigint() }}) as days_watched,
    cast(within_days as {{ dbt.type_bigint() }}) as within_days,
    is_reached_in_time,
    cast(steps as {{ dbt.type_bigint() }}) as steps,
    cast(steps_done as {{ dbt.type_bigint() }}) as steps_done,
    coalesce(not_watched_because, case when is_reached_in_time is null then 'immature' end) as null_reason,
    {{ as_of() }} as as_of
from {{ ref('int_account_goals') }}
