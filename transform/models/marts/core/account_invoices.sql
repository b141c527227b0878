with invoices as (
    select * from {{ ref('int_invoices') }}
    where account_id is not null
),

overdue as (
    select source, source_id, overdue_days from {{ ref('int_overdue_invoices') }}
)

select
    invoices.source,
    invoices.source_id,
    invoices.account_id,
    invoices.subscription_source_id,
    {#- As it stood then: what was paid or voided after as_of had not been. -#}
    case
        when overdue.source_id is not null then 'overdue'
        when invoices.paid_at > {{ as_of() }} or invoices.voided_at > {{ as_of() }} then 'open'
        else invoices.status
    end as status,
    invoices.currency,
    invoices.total,
    case when invoices.paid_at > {{ as_of() }} then 0 else invoices.amount_paid end as amount_paid,
    case
        when invoices.paid_at > {{ as_of() }} then invoices.amount_due
        else invoices.amount_remaining
    end as amount_remaining,
    invoices.issued_at,
    coalesce(invoices.due_at, invoices.issued_at) as due_at,
    case when invoices.paid_at <= {{ as_of() }} then invoices.paid_at end as paid_at,
    cast(coalesce(overdue.overdue_days, 0) as {{ dbt.type_bigint() }}) as overdue_days,
    invoices.billing_reason
from invoices
left join overdue on invoices.source = overdue.source and invoices.source_id = overdue.source_id
