with health as (
    select health_band as band, arr from {{ ref('customer_health') }}
),

bands as (
    select distinct band from {{ ref('health_bands') }}
    union
    select 'unknown' as band
),

totals as (
    select count(*) as customers, sum(arr) as arr from health
)

select
    bands.band as health_band,
    count(health.band) as customers,
    cast(coalesce(sum(health.arr), 0) as {{ sql_type('money') }}) as arr,
    cast(round(100.0 * count(health.band) / nullif(max(totals.customers), 0), 2) as decimal(5, 2)) as customers_pct,
    cast(round(100.0 * sum(health.arr) / nullif(max(totals.arr), 0), 2) as decimal(5, 2)) as arr_pct,
    {{ as_of() }} as as_of
from bands
cross join totals
left join health on bands.band = health.band
group by bands.band
