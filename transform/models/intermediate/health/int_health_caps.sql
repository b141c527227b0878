{#- What holds a customer's score down whatever the measures say, as long as its input is not too old. -#}
with subjects as (
    select * from {{ ref('int_health_cases') }}
),

ages as (
    select basis, account_id, day, measure, input_at from {{ ref('int_health_case_inputs') }}
),

cards as (
    select basis, account_id, day, version from {{ ref('int_health_scorecards') }}
),

inputs as (
    {%- for input, measure in health_cap_inputs().items() %}
    select
        subjects.basis,
        subjects.account_id,
        subjects.day,
        cards.version,
        '{{ input }}' as input,
        cast(subjects.{{ input }} as {{ sql_type('ratio') }}) as input_value,
        {{ dbt.datediff(
            local_date('ages.input_at'), 'subjects.day', 'day'
        ) }} as input_age_days
    from subjects
    inner join cards
        on
            subjects.basis = cards.basis
            and subjects.account_id = cards.account_id
            and subjects.day = cards.day
    left join ages
        on
            subjects.basis = ages.basis
            and subjects.account_id = ages.account_id
            and subjects.day = ages.day
            and ages.measure = '{{ measure }}'
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    inputs.basis,
    inputs.account_id,
    inputs.day,
    caps.cap,
    caps.cap_score,
    inputs.input_value,
    {{ fill('caps.cap_text', {
        'value': "case caps.unit when 'share' then " ~ percent('inputs.input_value')
            ~ " else " ~ whole('inputs.input_value') ~ " end",
        'cap': whole('caps.cap_score'),
    }) }} as cap_text,
    row_number() over (
        partition by inputs.basis, inputs.account_id, inputs.day order by caps.cap_score, caps.cap
    ) as tightest
from inputs
inner join {{ ref('health_caps') }} as caps
    on
        inputs.version = caps.version
        and inputs.input = caps.input
        and inputs.input_value > caps.above_value
        and (caps.ttl_days is null or inputs.input_age_days <= caps.ttl_days)
