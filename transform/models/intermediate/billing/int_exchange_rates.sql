{#- A day's rate to the reporting currency is the quotient of both currencies' rates to the dollar. -#}
with rates as (
    select * from {{ ref('int_planning_rates') }}
),

reporting as (
    select valid_from, usd_per_unit from rates
    where currency = '{{ var("reporting_currency") }}'
),

starts as (
    select rates.currency, rates.valid_from from rates
    union
    select rates.currency, reporting.valid_from
    from rates
    inner join reporting on rates.valid_from <= reporting.valid_from
),

currency_rates as (
    select
        starts.currency,
        starts.valid_from,
        rates.usd_per_unit,
        row_number() over (
            partition by starts.currency, starts.valid_from order by rates.valid_from desc
        ) as recency
    from starts
    inner join rates on starts.currency = rates.currency and starts.valid_from >= rates.valid_from
),

quotients as (
    select
        currency_rates.currency,
        currency_rates.valid_from,
        cast(
            cast(currency_rates.usd_per_unit as {{ sql_type('float') }}) / reporting.usd_per_unit
            as decimal(18, 8)
        ) as rate,
        row_number() over (
            partition by currency_rates.currency, currency_rates.valid_from
            order by reporting.valid_from desc
        ) as recency
    from currency_rates
    inner join reporting on currency_rates.valid_from >= reporting.valid_from
    where currency_rates.recency = 1
)

select
    currency,
    valid_from,
    lead(valid_from) over (partition by currency order by valid_from) as valid_to,
    rate
from quotients
where recency = 1
