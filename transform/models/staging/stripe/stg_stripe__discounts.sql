{#-
    Discounts stand on items, subscriptions and (older) customers. The coupon is inside, as an
    object or an id, at `coupon` or, from API version 2025-09-30 on, at `source.coupon`.
-#}
with coupons as (
    select * from {{ source('raw_stripe', 'coupons') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

item_rows as (
    select id as item_id, subscription as subscription_id, discounts
    from {{ source('raw_stripe', 'subscription_items') }}
),

subscription_rows as (
    select id as subscription_id, discounts from {{ source('raw_stripe', 'subscriptions') }}
),

customer_rows as (
    select id as customer_id, discount from {{ source('raw_stripe', 'customers') }}
    where discount is not null
),

on_items as (
    {{ json_elements('item_rows', ['item_id', 'subscription_id'], 'discounts') }}
),

on_subscriptions as (
    {{ json_elements('subscription_rows', ['subscription_id'], 'discounts') }}
),

discounts as (
    select element, item_id, subscription_id, cast(null as {{ dbt.type_string() }}) as customer_id
    from on_items
    union all
    select element, null as item_id, subscription_id, null as customer_id
    from on_subscriptions
    union all
    select
        cast(discount as {{ dbt.type_string() }}) as element,
        null as item_id,
        null as subscription_id,
        customer_id
    from customer_rows
),

read as (
    select
        discounts.*,
        {{ json_text('element', 'id') }} as id,
        coalesce(
            {{ json_text('element', 'source.coupon.id') }},
            {{ json_text('element', 'coupon.id') }},
            {{ json_text('element', 'source.coupon') }},
            {{ json_text('element', 'coupon') }}
        ) as coupon_id,
        coalesce({{ json_member('element', 'source.coupon') }}, {{ json_member('element', 'coupon') }})
            as coupon,
        {{ try_cast(json_text('element', 'start'), 'integer') }} as starts,
        {{ try_cast(json_text('element', 'end'), 'integer') }} as ends
    from discounts
),

valued as (
    select
        read.*,
        coalesce(coupons.percent_off, {{ try_cast(json_text('read.coupon', 'percent_off'), 'ratio') }})
            as percent_off,
        coalesce(coupons.amount_off, {{ try_cast(json_text('read.coupon', 'amount_off'), 'integer') }})
            as amount_off,
        upper(coalesce(coupons.currency, {{ json_text('read.coupon', 'currency') }})) as currency,
        coalesce(coupons.duration, {{ json_text('read.coupon', 'duration') }}) as duration,
        coalesce(
            cast(coupons.applies_to as {{ dbt.type_string() }}),
            {{ json_member('read.coupon', 'applies_to.products') }}
        ) as applies_to
    from read
    left join coupons on read.coupon_id = coupons.id
),

numbered as (
    select
        valued.*,
        row_number() over (
            partition by valued.id order by valued.subscription_id, valued.item_id, valued.customer_id
        ) as copy
    from valued
    where valued.id is not null
)

select
    'stripe' as source,
    numbered.id as source_id,
    numbered.subscription_id as subscription_source_id,
    numbered.item_id as item_source_id,
    numbered.customer_id as account_source_id,
    numbered.percent_off,
    {{ to_major('numbered.amount_off', 'currencies.minor_units') }} as amount_off,
    numbered.currency,
    numbered.duration,
    {{ from_epoch('numbered.starts') }} as starts_at,
    {{ from_epoch('numbered.ends') }} as ends_at,
    case when numbered.applies_to <> 'null' then numbered.applies_to end as applies_to_products
from numbered
left join currencies on numbered.currency = currencies.code
where numbered.copy = 1
