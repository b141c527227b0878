{#-
    What came late: how the measures of the day of as_of differ from those that were stored on it. In
    the newest run there is nothing, because it stores what it finds; a replay of a day that is over
    leaves the history as it was and shows here what is known now.
-#}
{%- set catalog = health_measure_catalog() -%}
with found as (
    select * from {{ ref('int_health_inputs') }}
),

stored as (
    {%- for measure in catalog %}
    select
        account_id,
        day,
        '{{ measure }}' as measure,
        {{ measure }} as raw_value,
        {{ measure }}_null_reason as null_reason,
        loaded_at
    from {{ ref('health_measures_daily') }}
    where day = {{ as_of_day() }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    coalesce(found.account_id, stored.account_id) as account_id,
    coalesce(found.day, stored.day) as day,
    coalesce(found.measure, stored.measure) as measure,
    stored.raw_value as stored_value,
    stored.null_reason as stored_null_reason,
    found.raw_value as value_now,
    found.null_reason as null_reason_now,
    stored.loaded_at as stored_at,
    case
        when stored.account_id is null then 'customer_came_later'
        when found.account_id is null then 'customer_went_later'
        else 'value'
    end as difference
from found
full outer join stored
    on found.account_id = stored.account_id and found.day = stored.day and found.measure = stored.measure
where
    found.raw_value <> stored.raw_value
    or (found.raw_value is null) <> (stored.raw_value is null)
    or coalesce(found.null_reason, '') <> coalesce(stored.null_reason, '')
    or found.account_id is null
    or stored.account_id is null
