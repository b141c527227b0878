with costs as (
    {{ union_entity('costs') }}
),

rates as (
    select * from {{ ref('int_exchange_rates') }}
)

select
    costs.source,
    costs.source_id,
    costs.month,
    costs.kind,
    costs.amount,
    costs.currency,
    cast(costs.amount * rates.rate as {{ sql_type('money') }}) as amount_reporting
from costs
left join rates
    on
        costs.currency = rates.currency
        and costs.month >= rates.valid_from
        and (rates.valid_to is null or costs.month < rates.valid_to)
where costs.month <= {{ as_of_day() }}
