{#- What has not begun is priced as of its first day. -#}
with items as (
    select * from {{ ref('int_subscription_item_prices') }}
    where (not_counted_because is null or not_counted_because = 'not_started') and exception is null
),

versions as (
    {{ dated_versions('snap_discounts', 'starts_at') }}
),

scoped as (
    {#- An item's discount comes first, then the subscription's, then the customer's. -#}
    select
        versions.*,
        case
            when versions.item_source_id is not null then 'item'
            when versions.subscription_source_id is not null then 'subscription'
            else 'customer'
        end as scope
    from versions
),

pairs as (
    {%- for scope, key in [
        ('item', 'item_source_id'), ('subscription', 'subscription_source_id'), ('customer', 'account_source_id'),
    ] %}
    select
        items.source,
        items.item_source_id,
        items.subscription_source_id,
        items.account_id,
        items.month_on,
        items.measured_on,
        items.is_month_end,
        case when items.not_counted_because = 'not_started' then items.started_on else items.measured_on end
            as priced_on,
        items.currency as item_currency,
        items.term_months,
        items.product_source_id,
        scoped.source_id as discount_source_id,
        scoped.scope,
        scoped.percent_off,
        scoped.amount_off,
        scoped.currency,
        scoped.duration,
        scoped.starts_at,
        scoped.ends_at,
        scoped.applies_to_products,
        scoped.valid_from_on,
        scoped.valid_to_on
    from items
    inner join scoped
        on
            items.source = scoped.source
            and items.{{ key }} = scoped.{{ key }}
            and scoped.scope = '{{ scope }}'
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    source,
    item_source_id,
    subscription_source_id,
    account_id,
    month_on,
    measured_on,
    is_month_end,
    discount_source_id,
    scope,
    percent_off,
    {#- One invoice per term of the item; several items of one subscription share the shortest term. -#}
    amount_off,
    term_months,
    amount_off is not null and coalesce(currency, '') <> item_currency as is_other_currency
from pairs
where
    coalesce(duration, 'forever') <> 'once'
    and measured_on >= valid_from_on
    and (valid_to_on is null or measured_on < valid_to_on)
    and (starts_at is null or {{ local_date('starts_at') }} <= priced_on)
    and (ends_at is null or {{ local_date('ends_at') }} > priced_on)
    and (
        applies_to_products is null
        or applies_to_products in ('[]', 'null')
        or applies_to_products like '%"' || product_source_id || '"%'
    )
