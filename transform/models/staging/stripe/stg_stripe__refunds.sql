with refunds as (
    select * from {{ source('raw_stripe', 'refunds') }}
),

charges as (
    select id, customer from {{ source('raw_stripe', 'charges') }}
),

currencies as (
    select * from {{ ref('currencies') }}
)

select
    'stripe' as source,
    refunds.id as source_id,
    charges.customer as account_source_id,
    refunds.charge as payment_source_id,
    {{ to_major('refunds.amount', 'currencies.minor_units') }} as amount,
    upper(refunds.currency) as currency,
    refunds.status,
    {{ from_epoch('refunds.created') }} as created_at
from refunds
left join charges on refunds.charge = charges.id
left join currencies on upper(refunds.currency) = currencies.code
