with begun as (
    select min(day) as first_day from {{ ref('int_account_user_days') }}
),

told as (
    select begun.first_day, horizon.day as last_day
    from begun
    cross join {{ ref('int_product_horizon') }} as horizon
),

came as (
    select * from {{ ref('int_usage_periods') }}
),

cohorts as (
    select unit, period, cohort_on, returned as cohort_size from came
    where age = 0
),

ages as (
    {%- for period, oldest in retention_periods().items() %}
    {%- for age in range(oldest + 1) %}
    select '{{ period }}' as period, {{ age }} as age
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

cells as (
    select
        cohorts.*,
        ages.age,
        case ages.period
            {%- for period in retention_periods() %}
            when '{{ period }}' then cast({{ dbt.dateadd(period, 'ages.age', 'cohorts.cohort_on') }} as date)
            {%- endfor %}
        end as period_start,
        case ages.period
            {%- for period in retention_periods() %}
            when '{{ period }}' then cast({{ dbt.dateadd(period, 'ages.age + 1', 'cohorts.cohort_on') }} as date)
            {%- endfor %}
        end as next_period_start
    from cohorts
    inner join ages on cohorts.period = ages.period
),

gone as (
    select
        cells.unit,
        cells.period,
        cells.cohort_on,
        cells.age,
        sum(came.seen_last) as seen_last_before
    from cells
    inner join came
        on
            cells.unit = came.unit
            and cells.period = came.period
            and cells.cohort_on = came.cohort_on
            and cells.age > came.age
    group by cells.unit, cells.period, cells.cohort_on, cells.age
),

judged as (
    select
        cells.*,
        coalesce(came.returned, 0) as returned,
        cells.cohort_size - coalesce(gone.seen_last_before, 0) as returned_or_later,
        case
            when cells.cohort_on < {{ dbt.dateadd('day', 28, 'told.first_day') }} then 'before_the_data'
            when cells.next_period_start > {{ dbt.dateadd('day', 1, 'told.last_day') }} then 'immature'
        end as null_reason
    from cells
    cross join told
    left join came
        on
            cells.unit = came.unit
            and cells.period = came.period
            and cells.cohort_on = came.cohort_on
            and cells.age = came.age
    left join gone
        on
            cells.unit = gone.unit
            and cells.period = gone.period
            and cells.cohort_on = gone.cohort_on
            and cells.age = gone.age
    where cells.period_start <= told.last_day
)

select
    unit,
    period,
    cohort_on,
    cast(age as {{ dbt.type_bigint() }}) as age,
    period_start,
    cast(cohort_size as {{ dbt.type_bigint() }}) as cohort_size,
    cast(case when null_reason is null then returned end as {{ dbt.type_bigint() }}) as returned,
    cast(case when null_reason is null then 1.0 * returned / cohort_size end as {{ sql_type('ratio') }})
        as bounded_retention,
    cast(case when null_reason is null then returned_or_later end as {{ dbt.type_bigint() }}) as returned_or_later,
    cast(case when null_reason is null then 1.0 * returned_or_later / cohort_size end as {{ sql_type('ratio') }})
        as unbounded_retention,
    null_reason,
    {{ as_of() }} as as_of
from judged
