with days as (
    {{ date_spine("cast('" ~ var('history_start') ~ "' as date)", dbt.dateadd('year', 3, as_of_day())) }}
)

select
    day,
    cast({{ dbt.date_trunc('week', 'day') }} as date) as week_on,
    cast({{ dbt.date_trunc('month', 'day') }} as date) as month_on,
    cast({{ dbt.date_trunc('quarter', 'day') }} as date) as quarter_on,
    cast({{ dbt.date_trunc('year', 'day') }} as date) as year_on,
    {{ dbt.last_day('day', 'month') }} = day as is_month_end,
    {{ as_of_day() }} >= day as has_begun,
    {{ as_of() }} as as_of
from days
