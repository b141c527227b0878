with invoices as (
    select * from {{ source('raw_stripe', 'invoices') }}
),

currencies as (
    select * from {{ ref('currencies') }}
)

select
    'stripe' as source,
    invoices.id as source_id,
    invoices.customer as account_source_id,
    invoices.subscription as subscription_source_id,
    invoices.status,
    upper(invoices.currency) as currency,
    {{ to_major('invoices.total', 'currencies.minor_units') }} as total,
    {{ to_major('invoices.amount_due', 'currencies.minor_units') }} as amount_due,
    {{ to_major('invoices.amount_paid', 'currencies.minor_units') }} as amount_paid,
    {{ to_major('invoices.amount_remaining', 'currencies.minor_units') }} as amount_remaining,
    {#- A draft that became final was issued at that moment; created is when drafting began. -#}
    {{ from_epoch('coalesce(invoices.finalized_at, invoices.created)') }} as issued_at,
    {{ from_epoch('invoices.due_date') }} as due_at,
    {{ from_epoch('invoices.paid_at') }} as paid_at,
    {{ from_epoch('invoices.voided_at') }} as voided_at,
    invoices.billing_reason
from invoices
left join currencies on upper(invoices.currency) = currencies.code
