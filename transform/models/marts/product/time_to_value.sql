{#- Kaplan-Meier: who has not reached the goal yet counts for as long as it was watched, and no longer. -#}
with accounts as (
    select
        goal,
        'all' as cohort,
        days_watched,
        reached_on is not null as is_reached,
        is_before_start
    from {{ ref('int_account_goals') }}
    where not_watched_because is null
    union all
    select
        goal,
        {{ year_and_quarter('started_on') }} as cohort,
        days_watched,
        reached_on is not null as is_reached,
        is_before_start
    from {{ ref('int_account_goals') }}
    where not_watched_because is null
),

per_day as (
    select
        goal,
        cohort,
        days_watched,
        count(*) as accounts,
        count(case when is_reached then 1 end) as reached,
        count(case when is_before_start then 1 end) as reached_before_start
    from accounts
    group by goal, cohort, days_watched
),

at_risk as (
    select
        *,
        sum(accounts) over (
            partition by goal, cohort order by days_watched rows between current row and unbounded following
        ) as at_risk
    from per_day
),

curve as (
    {#- The product of 1 - reached / at risk, as a sum of logarithms; it is 0 from the day on which nobody is left. -#}
    select
        *,
        case
            when
                max(case when reached = at_risk then 1 else 0 end) over so_far = 1
                then 0
            else
                round(
                    exp(sum(case when reached < at_risk then ln(1 - 1.0 * reached / at_risk) else 0 end) over so_far),
                    9
                )
        end as share_left
    from at_risk
    window so_far as (partition by goal, cohort order by days_watched rows between unbounded preceding and current row)
),

summed as (
    select
        goal,
        cohort,
        sum(accounts) as accounts,
        sum(reached) as reached,
        sum(reached_before_start) as reached_before_start,
        max(days_watched) as longest_watched_days,
        min(case when share_left <= 0.75 then days_watched end) as first_quarter_days,
        min(case when share_left <= 0.5 then days_watched end) as median_days,
        1 - min(share_left) as reached_share
    from curve
    group by goal, cohort
)

select
    goal,
    cohort,
    'kaplan_meier' as method,
    cast(accounts as {{ dbt.type_bigint() }}) as accounts,
    cast(reached as {{ dbt.type_bigint() }}) as reached,
    cast(accounts - reached as {{ dbt.type_bigint() }}) as censored,
    cast(reached_before_start as {{ dbt.type_bigint() }}) as reached_before_start,
    cast(longest_watched_days as {{ dbt.type_bigint() }}) as longest_watched_days,
    cast(reached_share as {{ sql_type('ratio') }}) as reached_share,
    cast(first_quarter_days as {{ dbt.type_bigint() }}) as first_quarter_days,
    cast(median_days as {{ dbt.type_bigint() }}) as median_days,
    case when median_days is null then 'fewer_than_half' end as median_null_reason,
    {{ as_of() }} as as_of
from summed
