{#- The value of every measure of every case (int_health_cases), or why there is none. -#}
select
    'main' as basis,
    account_id,
    day,
    measure,
    raw_value,
    null_reason,
    sample_size,
    input_at
from {{ ref('int_health_inputs') }}
{%- if not scoring_again() %}
{%- for measure, how in health_measure_catalog().items() %}
union all
select
    basis,
    account_id,
    day,
    '{{ measure }}' as measure,
    {{ measure }} as raw_value,
    {{ measure }}_null_reason as null_reason,
    {{ measure ~ '_sample' if how.sample else 'cast(null as ' ~ dbt.type_bigint() ~ ')' }} as sample_size,
    {{ measure }}_input_at as input_at
from {{ ref('int_health_before') }}
{%- endfor %}
{%- endif %}
