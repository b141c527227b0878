{#- What the histories of measures store of a day: a column per measure, and what decides beside them. -#}
{%- set catalog = health_measure_catalog() -%}
with subjects as (
    select * from {{ ref('int_health_subjects') }}
),

inputs as (
    select * from {{ ref('int_health_inputs') }}
),

wide as (
    select
        {%- for measure, how in catalog.items() %}
        max(case when measure = '{{ measure }}' then raw_value end) as {{ measure }},
        max(case when measure = '{{ measure }}' then null_reason end) as {{ measure }}_null_reason,
        max(case when measure = '{{ measure }}' then input_at end) as {{ measure }}_input_at,
        {%- if how.sample %}
        max(case when measure = '{{ measure }}' then sample_size end) as {{ measure }}_sample,
        {%- endif %}
        {%- endfor %}
        account_id,
        day
    from inputs
    group by account_id, day
)

select
    subjects.account_id,
    subjects.day,
    subjects.touch_tier,
    cast(subjects.tenure_days as {{ dbt.type_bigint() }}) as tenure_days,
    cast(subjects.arr as {{ sql_type('money') }}) as arr,
    {%- for measure, how in catalog.items() %}
    wide.{{ measure }},
    wide.{{ measure }}_null_reason,
    wide.{{ measure }}_input_at,
    {%- if how.sample %}
    wide.{{ measure }}_sample,
    {%- endif %}
    {%- endfor %}
    cast(subjects.cancelling_mrr_share as {{ sql_type('ratio') }}) as cancelling_mrr_share,
    cast(subjects.open_urgent_hours as decimal(18, 2)) as open_urgent_hours,
    subjects.override_kind,
    cast(subjects.override_score_cap as {{ sql_type('ratio') }}) as override_score_cap,
    subjects.override_band,
    subjects.override_author,
    subjects.override_reason,
    subjects.override_expires_on,
    {{ as_of() }} as as_of
from subjects
inner join wide on subjects.account_id = wide.account_id and subjects.day = wide.day
