with known as (
    select * from {{ ref('int_kpi_revenue') }}
),

closed as (
    {#- What could not be told when the month was closed may still become known. -#}
    select
        *,
        case when is_quotient then numerator / nullif(denominator, 0) else numerator end as value
    from {{ ref('int_closed_kpis') }}
    where frozen_at <= {{ as_of() }}
),

figures as (
    select
        known.metric,
        known.month_on,
        known.is_closed,
        known.is_quotient,
        case when closed.value is not null then closed.numerator else known.numerator end as numerator,
        case when closed.value is not null then closed.denominator else known.denominator end as denominator,
        case when closed.value is not null then closed.population else known.population end as population,
        case when closed.value is not null then closed.excluded else known.excluded end as excluded,
        case when closed.value is not null then closed.frozen_at end as frozen_at
    from known
    left join closed on known.metric = closed.metric and known.month_on = closed.month_on
),

metrics as (
    select * from {{ ref('kpi_metrics') }}
),

targets as (
    select
        metric,
        cast({{ dbt.date_trunc('month', 'month') }} as date) as month_on,
        max(target) as target
    from {{ ref('int_kpi_targets') }}
    where segment is null or segment = 'all'
    group by 1, 2
),

valued as (
    select
        figures.metric,
        figures.month_on,
        figures.is_closed,
        metrics.metric_class,
        metrics.unit,
        metrics.better,
        metrics.method,
        figures.numerator,
        figures.denominator,
        figures.population,
        figures.excluded,
        figures.frozen_at,
        targets.target,
        case
            when figures.is_quotient then figures.numerator / nullif(figures.denominator, 0)
            else figures.numerator
        end as value
    from figures
    inner join metrics on figures.metric = metrics.metric
    left join targets on figures.metric = targets.metric and figures.month_on = targets.month_on
),

judged as (
    select
        *,
        case
            when is_closed and better = 'up' then value < target
            when is_closed then value > target
        end as is_missed
    from valued
),

runs as (
    {#- A month that met its target, or had none, ends the run of those that missed it. -#}
    select
        *,
        sum(case when coalesce(is_missed, false) then 0 else 1 end) over (
            partition by metric order by month_on rows between unbounded preceding and current row
        ) as run
    from judged
)

select
    metric,
    month_on,
    'all' as segment,
    metric_class,
    unit,
    better,
    is_closed,
    cast(value as {{ sql_type('ratio') }}) as value,
    cast(numerator as {{ sql_type('ratio') }}) as numerator,
    cast(denominator as {{ sql_type('ratio') }}) as denominator,
    population,
    excluded,
    method,
    case when unit = 'money' then '{{ var("reporting_currency") }}' end as currency,
    cast(target as {{ sql_type('ratio') }}) as target,
    cast(value - target as {{ sql_type('ratio') }}) as variance,
    cast(
        sum(case when coalesce(is_missed, false) then 1 else 0 end) over (
            partition by metric, run order by month_on rows between unbounded preceding and current row
        ) as {{ dbt.type_bigint() }}
    ) as months_missed_in_row,
    frozen_at,
    {{ as_of() }} as as_of
from runs
