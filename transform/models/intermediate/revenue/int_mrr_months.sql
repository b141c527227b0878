with days as (
    select * from {{ ref('int_days') }}
),

first_days as (
    select {{ local_date('min(started_at)') }} as day from {{ ref('int_subscriptions') }}
    union all
    select {{ local_date('min(period_start_at)') }} as day from {{ ref('int_invoice_lines') }}
),

first_day as (
    select min(day) as day from first_days
)

select
    days.month_start as month_on,
    days.day as measured_on,
    {#- Today's month is never closed: the rest of the day is still to come. -#}
    days.day < {{ as_of_day() }} as is_closed
from days
inner join first_day on days.day >= first_day.day
where days.is_month_end or days.day = {{ as_of_day() }}
