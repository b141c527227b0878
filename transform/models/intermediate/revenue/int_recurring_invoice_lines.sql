with lines as (
    select * from {{ ref('int_invoice_lines') }}
    where item_source_id is not null
),

invoices as (
    select * from {{ ref('int_invoices') }}
    where status in ('open', 'paid', 'uncollectible')
),

subscriptions as (
    select * from {{ ref('int_subscriptions') }}
),

items as (
    select * from {{ ref('int_subscription_items') }}
),

prices as (
    {#- Any item that carries a price tells its terms; prices do not change once they are made. -#}
    select
        items.source,
        items.price_source_id,
        max({{ term_months('items.interval', 'items.interval_count') }}) as term_months,
        max(items.usage_type) as usage_type
    from items
    where items.price_source_id is not null
    group by items.source, items.price_source_id
),

products as (
    select * from {{ ref('int_products') }}
),

known as (
    select
        lines.*,
        invoices.account_id,
        invoices.account_source_id,
        {{ local_date('lines.period_start_at') }} as period_start_on,
        {{ local_date('lines.period_end_at') }} as period_end_on,
        {{ local_date('invoices.issued_at') }} as issued_on,
        {{ local_date('coalesce(invoices.due_at, invoices.issued_at)') }} as due_on,
        {{ local_date('invoices.paid_at') }} as paid_on,
        {{ local_date('subscriptions.ended_at') }} as ended_on,
        products.name as product_name,
        products.is_seat_based,
        products.features as product_features,
        coalesce(prices.usage_type, items.usage_type) as usage_type,
        prices.term_months as price_term_months,
        {{ dbt.datediff(
            'lines.period_start_at', 'lines.period_end_at', 'day'
        ) }} as period_days,
        {{ dbt.datediff(
            'lines.period_start_at', 'lines.period_end_at', 'month'
        ) }} as period_months
    from lines
    inner join invoices
        on lines.source = invoices.source and lines.invoice_source_id = invoices.source_id
    left join subscriptions
        on lines.source = subscriptions.source and lines.subscription_source_id = subscriptions.source_id
    left join items
        on lines.source = items.source and lines.item_source_id = items.source_id
    left join prices
        on lines.source = prices.source and lines.price_source_id = prices.price_source_id
    left join products
        on lines.source = products.source and lines.product_source_id = products.source_id
),

measured as (
    {#- How far the period misses a whole number of calendar months: month ends may be short by three days. -#}
    select
        *,
        {{ dbt.datediff(
            dbt.dateadd('month', 'period_months', 'period_start_on'), 'period_end_on', 'day'
        ) }} as days_over_months
    from known
)

select
    source,
    source_id as line_source_id,
    invoice_source_id,
    {#- What is billed without a subscription stands by itself. -#}
    coalesce(subscription_source_id, item_source_id) as subscription_source_id,
    item_source_id,
    price_source_id,
    product_source_id,
    product_name,
    is_seat_based,
    product_features,
    account_id,
    account_source_id,
    currency,
    quantity,
    usage_type,
    is_proration,
    amount,
    discount_amount,
    period_start_at,
    period_end_at,
    period_start_on,
    period_end_on,
    issued_on,
    due_on,
    paid_on,
    ended_on,
    {#- The price's term; of a price that no item carries any more, the length of the period. -#}
    case
        when period_days <= 0 then null
        when price_term_months is not null then price_term_months
        when period_months > 0 and days_over_months between 0 and 3 then period_months
        when mod(period_days, 7) = 0 then period_days / 7 * 12 / 52.0
        else period_days * 12 / 365.0
    end as term_months
from measured
