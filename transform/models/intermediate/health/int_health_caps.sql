{#- What holds a customer's score down whatever the measures say. -#}
with facts as (
    select * from {{ ref('int_health_facts') }}
),

cards as (
    select account_id, version from {{ ref('int_health_scorecards') }}
),

inputs as (
    {%- for input in ['overdue_days', 'cancelling_mrr_share'] %}
    select
        facts.account_id,
        cards.version,
        '{{ input }}' as input,
        cast(facts.{{ input }} as {{ sql_type('ratio') }}) as input_value
    from facts
    inner join cards on facts.account_id = cards.account_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    inputs.account_id,
    caps.cap,
    caps.cap_score,
    inputs.input_value,
    {{ fill('caps.cap_text', {
        'value': "case caps.unit when 'share' then " ~ percent('inputs.input_value')
            ~ " else " ~ whole('inputs.input_value') ~ " end",
        'cap': whole('caps.cap_score'),
    }) }} as cap_text,
    row_number() over (partition by inputs.account_id order by caps.cap_score, caps.cap) as tightest
from inputs
inner join {{ ref('health_caps') }} as caps
    on
        inputs.version = caps.version
        and inputs.input = caps.input
        and inputs.input_value > caps.above_value
