{#- The cases once per part that is reported by itself: all of them and each half-year, all customers and each tier. -#}
{{ config(materialized='view') }}
with cases as (
    select * from {{ ref('int_backtest_cases') }}
),

periods as (
    select 'all' as period
    union all
    select distinct half_year as period from cases
),

segments as (
    select 'all' as segment
    union all
    select distinct touch_tier as segment from cases
    where touch_tier is not null
)

select
    cases.version,
    periods.period,
    segments.segment,
    cases.target,
    cases.account_id,
    cases.observed_on,
    cases.basis,
    cases.arr,
    cases.churned_on,
    cases.health_band,
    cases.score_risk,
    cases.silence_risk,
    cases.sentiment_risk,
    cases.is_hit
from cases
inner join periods on periods.period in ('all', cases.half_year)
inner join segments on segments.segment = 'all' or cases.touch_tier = segments.segment
