with credit_notes as (
    select * from {{ source('raw_stripe', 'credit_notes') }}
),

currencies as (
    select * from {{ ref('currencies') }}
)

select
    'stripe' as source,
    credit_notes.id as source_id,
    credit_notes.customer as account_source_id,
    credit_notes.invoice as invoice_source_id,
    {{ to_major('coalesce(credit_notes.total, credit_notes.amount)', 'currencies.minor_units') }} as amount,
    upper(credit_notes.currency) as currency,
    credit_notes.status,
    {{ from_epoch('credit_notes.created') }} as created_at
from credit_notes
left join currencies on upper(credit_notes.currency) = currencies.code
