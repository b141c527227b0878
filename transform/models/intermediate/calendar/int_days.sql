with days as (
    {{ date_spine("cast('" ~ var('history_start') ~ "' as date)", as_of_day()) }}
)

select
    day,
    cast({{ dbt.date_trunc('week', 'day') }} as date) as week_start,
    cast({{ dbt.date_trunc('month', 'day') }} as date) as month_start,
    {{ dbt.last_day('day', 'month') }} = day as is_month_end
from days
