{%- set numbers = ['tenure_days', 'cancelling_mrr_share', 'open_urgent_hours', 'override_score_cap'] -%}
{%- set words = ['touch_tier', 'override_kind', 'override_band'] -%}
with again as (
    select * from {{ ref('int_health_days_again') }}
),

replays as (
    select day, max(replayed_at) as replayed_at from again
    group by day
),

daily as (
    select stored.* from {{ ref('health_measures_daily') }} as stored
    inner join replays on stored.day = replays.day
),

{%- for knowledge in ['daily', 'again'] %}

{{ knowledge }}_values as (
    {%- for measure in health_measure_catalog() %}
    select
        account_id,
        day,
        '{{ measure }}' as fact,
        {{ measure }} as number_known,
        {{ measure }}_null_reason as words_known
    from {{ knowledge }}
    union all
    {%- endfor %}
    {%- for number in numbers %}
    select
        account_id,
        day,
        '{{ number }}' as fact,
        cast({{ number }} as {{ sql_type('ratio') }}) as number_known,
        null as words_known
    from {{ knowledge }}
    union all
    {%- endfor %}
    {%- for word in words %}
    select account_id, day, '{{ word }}' as fact, null as number_known, {{ word }} as words_known
    from {{ knowledge }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
){{ ',' }}
{%- endfor %}

compared as (
    select
        coalesce(daily_values.account_id, again_values.account_id) as account_id,
        coalesce(daily_values.day, again_values.day) as day,
        coalesce(daily_values.fact, again_values.fact) as fact,
        daily_values.number_known as stored_value,
        daily_values.words_known as stored_words,
        again_values.number_known as value_now,
        again_values.words_known as words_now,
        case
            when daily_values.account_id is null then 'customer_came_later'
            when again_values.account_id is null then 'customer_went_later'
            else 'value'
        end as difference
    from daily_values
    full outer join again_values
        on
            daily_values.account_id = again_values.account_id
            and daily_values.day = again_values.day
            and daily_values.fact = again_values.fact
)

select
    compared.account_id,
    compared.day,
    compared.fact,
    compared.difference,
    cast(compared.stored_value as {{ sql_type('ratio') }}) as stored_value,
    compared.stored_words,
    cast(compared.value_now as {{ sql_type('ratio') }}) as value_now,
    compared.words_now,
    replays.replayed_at,
    {{ as_of() }} as as_of
from compared
inner join replays on compared.day = replays.day
where
    compared.difference <> 'value'
    or compared.stored_value <> compared.value_now
    or (compared.stored_value is null) <> (compared.value_now is null)
    or coalesce(compared.stored_words, '') <> coalesce(compared.words_now, '')
