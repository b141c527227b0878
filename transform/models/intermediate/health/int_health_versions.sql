{#-
    Each version of the scorecards with a print of all its numbers. The day on which it ends is none of
    them, so that a version can be followed by another; nor are the words of a cap.
-#}
{{ config(schema='intermediate', materialized='view') }}
{%- set numbers = {
    'health_scorecards': ['effective_from', 'scorecard', 'score_group', 'group_weight'],
    'health_scorecard_rules': [
        'sort_order', 'scorecard', 'max_tenure_days', 'touch_tier', 'min_coverage_pct', 'min_connected_pct'
    ],
    'health_measures': [
        'scorecard', 'touch_tier', 'score_group', 'measure', 'share', 'direction', 'anchor_0', 'anchor_50',
        'anchor_75', 'anchor_100', 'tenure_from_days', 'tenure_to_days', 'ttl_days', 'stale_days',
        'min_tenure_days', 'min_sample'
    ],
    'health_caps': ['cap', 'input', 'above_value', 'cap_score', 'ttl_days'],
    'health_bands': ['band', 'from_score', 'below_score'],
} -%}
with lines as (
    {%- for seed, columns in numbers.items() %}
    select
        version,
        '{{ seed }}'
        {%- for column in columns %}
        || '|' || coalesce(cast({{ column }} as {{ dbt.type_string() }}), '')
        {%- endfor %} as line
    from {{ ref(seed) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

prints as (
    select
        version,
        {{ dbt.hash(dbt.listagg('line', "';'", 'order by line')) }} as definition_hash
    from lines
    group by version
),

ranges as (
    select distinct version, effective_from, effective_to from {{ ref('health_scorecards') }}
)

select
    ranges.version,
    ranges.effective_from,
    ranges.effective_to,
    prints.definition_hash
from ranges
inner join prints on ranges.version = prints.version
