with accounts as (
    select
        *,
        cast({{ dbt.date_trunc('month', 'started_on') }} as date) as cohort_on
    from {{ ref('int_account_goals') }}
),

cohorts as (
    select
        goal,
        cohort_on,
        max(within_days) as within_days,
        count(*) as accounts,
        count(case when not_watched_because is null then 1 end) as accounts_watched,
        count(case when is_reached_in_time then 1 end) as reached_in_time,
        count(reached_on) as reached,
        count(case when is_before_start then 1 end) as reached_before_start,
        max(watched_to) as watched_to
    from accounts
    group by goal, cohort_on
),

judged as (
    select
        *,
        {#- Whoever started on the last day of the month must have had all days, else the rate may still rise. -#}
        case
            when accounts_watched = 0 then 'not_watched'
            when watched_to < {{ dbt.dateadd('day', 'within_days - 1', dbt.dateadd('month', 1, 'cohort_on')) }}
                then 'immature'
        end as null_reason
    from cohorts
)

select
    goal,
    cohort_on,
    cast(within_days as {{ dbt.type_bigint() }}) as within_days,
    cast(accounts as {{ dbt.type_bigint() }}) as accounts,
    cast(accounts_watched as {{ dbt.type_bigint() }}) as accounts_watched,
    cast(reached as {{ dbt.type_bigint() }}) as reached,
    cast(reached_before_start as {{ dbt.type_bigint() }}) as reached_before_start,
    cast(case when null_reason is null then reached_in_time end as {{ dbt.type_bigint() }}) as reached_in_time,
    cast(case when null_reason is null then 1.0 * reached_in_time / accounts_watched end as {{ sql_type('ratio') }})
        as activation_rate,
    null_reason,
    {{ as_of() }} as as_of
from judged
