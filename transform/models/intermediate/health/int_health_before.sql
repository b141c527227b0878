{#-
    The customers of today as they were four weeks ago, to tell what has moved their scores since: as
    their day was stored; as it is known by now, where it was replayed; and the latter judged by the
    version that holds today. Where no day was stored, the newest of the few days before it stands in.
-#}
{%- set columns = health_case_columns() + health_input_columns() -%}
with stored as (
    select
        daily.*,
        row_number() over (partition by daily.account_id order by daily.day desc) as recency
    from {{ ref('health_measures_daily') }} as daily
    inner join {{ ref('int_health_subjects') }} as subjects on daily.account_id = subjects.account_id
    where
        daily.day <= {{ dbt.dateadd('day', -28, as_of_day()) }}
        and daily.day >= {{ dbt.dateadd('day', -28 - var('history_gap_days'), as_of_day()) }}
),

before as (
    select
        {{ columns | join(',\n        ') }},
        cast(null as {{ dbt.type_timestamp() }}) as replayed_at
    from stored
    where recency = 1
),

again as (
    select * from {{ ref('int_health_days_again') }}
),

restated as (
    {#- A customer of whom nothing is known on that day any more keeps what was stored. -#}
    select
        before.account_id,
        before.day,
        {%- for column in columns if column not in ('account_id', 'day') %}
        case when again.account_id is null then before.{{ column }} else again.{{ column }} end as {{ column }},
        {%- endfor %}
        again.replayed_at
    from before
    left join again on before.account_id = again.account_id and before.day = again.day
)

select
    'before' as basis,
    day as defined_on,
    before.*
from before
union all
select
    'before_restated' as basis,
    day as defined_on,
    restated.*
from restated
union all
select
    'before_redefined' as basis,
    {{ as_of_day() }} as defined_on,
    restated.*
from restated
