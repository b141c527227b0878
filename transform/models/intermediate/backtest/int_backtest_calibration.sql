{#-
    How well a score could have been read as a probability: that of a tenth of the scale is the share
    of hits that it had in the observations whose window was over on the day, nothing newer. So the
    first months foretell nothing and are left out.
-#}
{%- set by_cell = backtest_cell() -%}
{%- set wait = var('backtest_embargo_months') + var('backtest_horizon_months') -%}
with cases as (
    select
        version,
        target,
        observed_on,
        is_hit,
        least(floor(score_risk / 10), 9) as tenth
    from {{ ref('int_backtest_cells') }}
    where period = 'all' and segment = 'all' and score_risk is not null
),

counted as (
    select version, target, observed_on, tenth, count(*) as cases, sum(is_hit) as hits
    from cases
    group by version, target, observed_on, tenth
),

foretold as (
    select
        counted.version,
        counted.target,
        counted.observed_on,
        counted.tenth,
        counted.cases,
        counted.hits,
        1.0 * sum(case when known.tenth = counted.tenth then known.hits end)
        / nullif(sum(case when known.tenth = counted.tenth then known.cases end), 0) as own_rate,
        1.0 * sum(known.hits) / sum(known.cases) as base_rate
    from counted
    inner join counted as known
        on
            counted.version = known.version
            and counted.target = known.target
            and {{ dbt.datediff(
                'known.observed_on', 'counted.observed_on', 'month'
            ) }} >= {{ wait }}
    group by counted.version, counted.target, counted.observed_on, counted.tenth, counted.cases, counted.hits
)

select
    version,
    target,
    cast(tenth as {{ dbt.type_bigint() }}) as tenth,
    sum(cases) as cases,
    sum(hits) as hits,
    sum(cases * coalesce(own_rate, base_rate)) / sum(cases) as foretold_rate,
    {#- Squared distances of the forecast, and of the base rate as a forecast, over the cases. -#}
    sum(hits * power(1 - coalesce(own_rate, base_rate), 2) + (cases - hits) * power(coalesce(own_rate, base_rate), 2))
        as squares,
    sum(hits * power(1 - base_rate, 2) + (cases - hits) * power(base_rate, 2)) as base_squares
from foretold
group by version, target, tenth
