{#-
    Figures of fewer losses than a judgement needs are not shown: what stands there could be luck.
-#}
{%- set cell = backtest_cell() -%}
with outcomes as (
    select *, lost_customers >= {{ var('backtest_min_losses') }} as is_enough
    from {{ ref('int_backtest_outcomes') }}
),

asked as (
    {#- The whole is always asked for, so that what nothing is known of shows as such. -#}
    select {{ cell }} from outcomes
    union
    {%- for target in backtest_targets() %}
    select version, 'all' as period, 'all' as segment, '{{ target }}' as target
    from {{ ref('health_scorecards') }}
    {{ 'union' if not loop.last }}
    {%- endfor %}
),

areas as (
    select
        {{ cell }},
        {%- for predictor in ['score', 'silence', 'sentiment'] %}
        max(case when predictor = '{{ predictor }}' then auc end) as {{ predictor }}_auc,
        {%- endfor %}
        max(case when predictor = 'score' then standard_error end) as error
    from {{ ref('int_backtest_auc') }}
    group by {{ cell }}
),

ranking as (
    select * from {{ ref('int_backtest_ranking') }}
),

calibrated as (
    {#- Of the whole only: a part has too few cases to read probabilities from. -#}
    select
        version,
        'all' as period,
        'all' as segment,
        target,
        sum(squares) / sum(cases) as brier,
        sum(base_squares) / sum(cases) as base_brier,
        sum(abs(hits - cases * foretold_rate)) / sum(cases) as calibration_error
    from {{ ref('int_backtest_calibration') }}
    group by version, target
)
{%- set pct, share, count = 'decimal(5, 2)', 'decimal(6, 4)', dbt.type_bigint() %}
{%- set trusted = [
    ('auc', 'areas.score_auc', share),
    ('auc_low', 'greatest(areas.score_auc - 1.96 * areas.error, 0)', share),
    ('auc_high', 'least(areas.score_auc + 1.96 * areas.error, 1)', share),
    ('auc_days_since_core_use', 'areas.silence_auc', share),
    ('auc_csm_sentiment', 'areas.sentiment_auc', share),
    ('pr_auc', 'ranking.pr_auc', share),
    ('lift_top_decile', 'ranking.lift_top_decile', pct),
    ('captured_arr_10_pct', 'ranking.captured_arr_10_pct', pct),
    ('captured_arr_20_pct', 'ranking.captured_arr_20_pct', pct),
    ('red_hit_pct', '100.0 * outcomes.red_hits / nullif(outcomes.red_cases, 0)', pct),
    ('yellow_hit_pct', '100.0 * outcomes.yellow_hits / nullif(outcomes.yellow_cases, 0)', pct),
    ('green_hit_pct', '100.0 * outcomes.green_hits / nullif(outcomes.green_cases, 0)', pct),
    ('unknown_hit_pct', '100.0 * outcomes.unknown_hits / nullif(outcomes.unknown_cases, 0)', pct),
    ('brier', 'calibrated.brier', share),
    ('brier_of_base_rate', 'calibrated.base_brier', share),
    ('calibration_error_pct', '100 * calibrated.calibration_error', pct),
    ('lead_days', 'outcomes.lead_days', pct.replace('5', '7')),
    ('warned_pct', 'outcomes.warned_pct', pct),
    ('green_before_pct', 'outcomes.green_before_pct', pct),
] %},

joined as (
    select
        asked.version,
        asked.period,
        asked.segment,
        asked.target,
        outcomes.first_observed_on,
        outcomes.last_observed_on,
        coalesce(outcomes.is_enough, false) as is_enough,
        {%- for name in ['observation_days', 'observations', 'rebuilt', 'customers', 'hits', 'lost_customers'] %}
        cast(coalesce(outcomes.{{ name }}, 0) as {{ count }}) as {{ name }},
        {%- endfor %}
        cast(100.0 * outcomes.hits / nullif(outcomes.observations, 0) as {{ pct }}) as base_rate_pct,
        {%- for name, value, type in trusted %}
        case when outcomes.is_enough then cast({{ value }} as {{ type }}) end as {{ name }},
        {%- endfor %}
        cast(100.0 * outcomes.scored / nullif(outcomes.observations, 0) as {{ pct }}) as coverage_pct
    from asked
    left join outcomes on {{ same_backtest_cell('asked', 'outcomes') }}
    left join areas on {{ same_backtest_cell('asked', 'areas') }}
    left join ranking on {{ same_backtest_cell('asked', 'ranking') }}
    left join calibrated on {{ same_backtest_cell('asked', 'calibrated') }}
)

select
    version as health_version,
    period,
    segment,
    target,
    case when is_enough then 'enough' else 'not_enough_evidence' end as evidence,
    first_observed_on,
    last_observed_on,
    observation_days,
    observations,
    rebuilt as rebuilt_observations,
    customers,
    hits,
    lost_customers,
    base_rate_pct,
    coverage_pct,
    {%- for name, _, _ in trusted %}
    {{ name }},
    {%- endfor %}
    {#- Worse bands lose at least as many; NULL where a band has no cases. -#}
    red_hit_pct >= yellow_hit_pct and yellow_hit_pct >= green_hit_pct as is_monotone,
    {{ as_of() }} as as_of
from joined
