{#-
    The newest whole weeks (from Monday) of which all product sources tell, and of the three weeks
    before each of them too: what is said of four weeks would otherwise begin too small.
-#}
with begun as (
    select min(day) as first_day from {{ ref('int_account_activity_daily') }}
),

told as (
    select begun.first_day, horizon.day as last_day
    from begun
    cross join {{ ref('int_product_horizon') }} as horizon
),

weeks as (
    select distinct days.week_start
    from {{ ref('int_days') }} as days
    cross join told
    where
        days.week_start >= {{ dbt.dateadd('day', 21, 'told.first_day') }}
        and {{ dbt.dateadd('day', 6, 'days.week_start') }} <= told.last_day
)

select
    week_start,
    cast({{ dbt.dateadd('day', 6, 'week_start') }} as date) as week_end,
    week_no
from (
    select
        week_start,
        row_number() over (order by week_start desc) as week_no
    from weeks
) as numbered
where week_no <= {{ var('adoption_history_weeks') }}
