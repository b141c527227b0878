{#- How many were observed and lost, by band, and how early the score had said so. -#}
{%- set cell = backtest_cell() -%}
{%- set bands = ['red', 'yellow', 'green', 'unknown'] -%}
with cells as (
    select * from {{ ref('int_backtest_cells') }}
),

counts as (
    select
        {{ cell }},
        min(observed_on) as first_observed_on,
        max(observed_on) as last_observed_on,
        count(distinct observed_on) as observation_days,
        count(case when basis = 'rebuilt' then 1 end) as rebuilt,
        count(*) as observations,
        count(distinct account_id) as customers,
        count(distinct case when is_hit = 1 then account_id end) as lost_customers,
        count(score_risk) as scored,
        {%- for band in bands %}
        count(case when health_band = '{{ band }}' then 1 end) as {{ band }}_cases,
        sum(case when health_band = '{{ band }}' then is_hit else 0 end) as {{ band }}_hits,
        {%- endfor %}
        sum(is_hit) as hits
    from cells
    group by {{ cell }}
),

losses as (
    {#- One row per customer and day on which it was lost, with what its score was before. -#}
    select
        {{ cell }},
        account_id,
        churned_on,
        min(case when health_band = 'red' then observed_on end) as first_red_on,
        max(
            case
                when
                    {{ dbt.datediff(
                        'observed_on', 'churned_on', 'month'
                    ) }} = {{ var('backtest_horizon_months') }}
                    then health_band
            end
        ) as band_before
    from cells
    where is_hit = 1 and churned_on is not null
    group by {{ cell }}, account_id, churned_on
),

warnings as (
    select
        {{ cell }},
        median({{ dbt.datediff('first_red_on', 'churned_on', 'day') }}) as lead_days,
        100.0 * count(first_red_on) / count(*) as warned_pct,
        100.0 * count(case when band_before = 'green' then 1 end) / nullif(count(band_before), 0) as green_before_pct
    from losses
    group by {{ cell }}
)

select
    counts.*,
    warnings.lead_days,
    warnings.warned_pct,
    warnings.green_before_pct
from counts
left join warnings on {{ same_backtest_cell('counts', 'warnings') }}
