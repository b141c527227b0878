with charges as (
    select * from {{ source('raw_stripe', 'charges') }}
),

currencies as (
    select * from {{ ref('currencies') }}
)

select
    'stripe' as source,
    charges.id as source_id,
    charges.customer as account_source_id,
    charges.invoice as invoice_source_id,
    {{ to_major('charges.amount', 'currencies.minor_units') }} as amount,
    {{ to_major('charges.amount_refunded', 'currencies.minor_units') }} as amount_refunded,
    upper(charges.currency) as currency,
    charges.status,
    charges.failure_code,
    {{ from_epoch('charges.created') }} as created_at
from charges
left join currencies on upper(charges.currency) = currencies.code
