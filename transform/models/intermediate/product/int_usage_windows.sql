{#- Each week with the four weeks that end with it. -#}
with weeks as (
    select * from {{ ref('int_usage_weeks') }}
),

weeks_before as (
    {%- for weeks in range(4) %}
    select {{ weeks }} as weeks
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    weeks.week_start,
    weeks.week_end,
    cast({{ dbt.dateadd('day', '-7 * weeks_before.weeks', 'weeks.week_start') }} as date) as use_week
from weeks
cross join weeks_before
