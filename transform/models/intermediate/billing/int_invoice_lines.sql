with invoice_lines as (
    {{ union_entity('invoice_lines') }}
),

invoices as (
    select source, source_id, account_id from {{ ref('int_invoices') }}
)

select
    invoice_lines.*,
    invoices.account_id
from invoice_lines
inner join invoices
    on invoice_lines.source = invoices.source and invoice_lines.invoice_source_id = invoices.source_id
