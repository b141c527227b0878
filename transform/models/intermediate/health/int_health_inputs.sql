{#-
    The value of every measure of the catalogue, or why there is none, before any scorecard judges
    it: how old is too old and how few too few is for the scorecards to say.
-#}
{%- set catalog = health_measure_catalog() -%}
{%- if scoring_again() -%}
{%- for measure, how in catalog.items() %}
select
    account_id,
    day,
    '{{ measure }}' as measure,
    {{ measure }} as raw_value,
    {{ measure }}_null_reason as null_reason,
    {{ measure ~ '_sample' if how.sample else 'cast(null as ' ~ dbt.type_bigint() ~ ')' }} as sample_size,
    {{ measure }}_input_at as input_at
from {{ stored_measures() }}
{{ 'union all' if not loop.last }}
{%- endfor %}
{%- else -%}
with facts as (
    select * from {{ ref('int_health_facts') }}
),

feeds as (
    select * from {{ ref('int_health_feeds') }}
),

found as (
    {%- for measure, how in catalog.items() %}
    select
        account_id,
        day,
        '{{ measure }}' as measure,
        '{{ how.feed }}' as feed,
        {{ 'has_' ~ how.feed if how.mapped else 'true' }} as is_mapped,
        cast({{ how.value }} as {{ sql_type('ratio') }}) as raw_value,
        {{ how.gap or 'cast(null as ' ~ dbt.type_string() ~ ')' }} as gap,
        cast({{ how.sample or 'null' }} as {{ dbt.type_bigint() }}) as sample_size,
        cast({{ how.input_at or 'null' }} as {{ dbt.type_timestamp() }}) as own_input_at
    from facts
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

judged as (
    select
        found.*,
        coalesce(found.own_input_at, feeds.newest_record_at) as input_at,
        {#- A true zero has a value and no reason. The first that fits is told. -#}
        case
            when feeds.feed is null then 'source_off'
            when not found.is_mapped then 'unmapped'
            when found.gap is not null then found.gap
            when found.raw_value is null then 'no_value'
        end as null_reason
    from found
    left join feeds on found.feed = feeds.feed
)

select
    account_id,
    day,
    measure,
    case when null_reason is null then raw_value end as raw_value,
    null_reason,
    sample_size,
    input_at
from judged
{%- endif %}
