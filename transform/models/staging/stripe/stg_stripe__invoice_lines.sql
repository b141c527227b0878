with invoice_lines as (
    select * from {{ source('raw_stripe', 'invoice_lines') }}
),

discount_rows as (
    {{ json_elements('invoice_lines', ['id'], 'discount_amounts') }}
),

discounted as (
    select id, sum({{ try_cast(json_text('element', 'amount'), 'integer') }}) as amount
    from discount_rows
    group by id
),

currencies as (
    select * from {{ ref('currencies') }}
)

select
    'stripe' as source,
    invoice_lines.id as source_id,
    invoice_lines.invoice as invoice_source_id,
    invoice_lines.subscription as subscription_source_id,
    invoice_lines.subscription_item as item_source_id,
    invoice_lines.price as price_source_id,
    invoice_lines.product as product_source_id,
    {{ to_major('invoice_lines.amount', 'currencies.minor_units') }} as amount,
    {{ to_major('coalesce(discounted.amount, 0)', 'currencies.minor_units') }} as discount_amount,
    upper(invoice_lines.currency) as currency,
    invoice_lines.quantity,
    coalesce(invoice_lines.proration, false) as is_proration,
    {{ from_epoch('invoice_lines.period_start') }} as period_start_at,
    {{ from_epoch('invoice_lines.period_end') }} as period_end_at
from invoice_lines
left join discounted on invoice_lines.id = discounted.id
left join currencies on upper(invoice_lines.currency) = currencies.code
