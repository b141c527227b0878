{#-
    The price list is read first and the copy inside the item only where it lacks the price: the
    copy has no tiers unless they were asked for.
-#}
with items as (
    select * from {{ source('raw_stripe', 'subscription_items') }}
),

subscriptions as (
    select id, status, currency from {{ source('raw_stripe', 'subscriptions') }}
),

prices as (
    select * from {{ source('raw_stripe', 'prices') }}
),

products as (
    select * from {{ ref('stg_stripe__products') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

priced as (
    select
        items.id,
        items.subscription,
        items.price,
        items.quantity,
        items.created,
        coalesce(prices.product, {{ json_text('items.price_object', 'product') }}) as product,
        coalesce(prices.billing_scheme, {{ json_text('items.price_object', 'billing_scheme') }})
            as billing_scheme,
        coalesce(
            {{ try_cast('prices.unit_amount_decimal', 'unit_price') }},
            {{ try_cast('prices.unit_amount', 'unit_price') }},
            {{ try_cast(json_text('items.price_object', 'unit_amount_decimal'), 'unit_price') }},
            {{ try_cast(json_text('items.price_object', 'unit_amount'), 'unit_price') }}
        ) as unit_amount_minor,
        coalesce(prices.tiers_mode, {{ json_text('items.price_object', 'tiers_mode') }}) as tiers_mode,
        coalesce(
            cast(prices.tiers as {{ dbt.type_string() }}), {{ json_member('items.price_object', 'tiers') }}
        ) as tiers,
        coalesce(
            {{ json_text('prices.transform_quantity', 'divide_by') }},
            {{ json_text('items.price_object', 'transform_quantity.divide_by') }}
        ) as transform_divide_by,
        coalesce(
            {{ json_text('prices.transform_quantity', 'round') }},
            {{ json_text('items.price_object', 'transform_quantity.round') }}
        ) as transform_round,
        coalesce(prices.recurring__interval, {{ json_text('items.price_object', 'recurring.interval') }})
            as billing_interval,
        coalesce(
            prices.recurring__interval_count,
            {{ try_cast(json_text('items.price_object', 'recurring.interval_count'), 'integer') }}
        ) as interval_count,
        coalesce(
            prices.recurring__usage_type, {{ json_text('items.price_object', 'recurring.usage_type') }}
        ) as usage_type,
        coalesce(
            prices.recurring__meter, {{ json_text('items.price_object', 'recurring.meter') }}
        ) as meter,
        upper(coalesce(
            prices.currency, {{ json_text('items.price_object', 'currency') }}, subscriptions.currency
        )) as currency,
        subscriptions.status
    from items
    left join prices on items.price = prices.id
    left join subscriptions on items.subscription = subscriptions.id
)

select
    'stripe' as source,
    priced.id as source_id,
    priced.subscription as subscription_source_id,
    priced.product as product_source_id,
    products.name as product_name,
    products.is_seat_based,
    products.features as product_features,
    priced.price as price_source_id,
    priced.quantity,
    priced.billing_scheme,
    {{ to_major('priced.unit_amount_minor', 'currencies.minor_units', 'unit_price') }} as unit_amount,
    priced.tiers_mode,
    priced.tiers,
    {{ try_cast('priced.transform_divide_by', 'integer') }} as transform_divide_by,
    priced.transform_round,
    priced.billing_interval as interval,
    priced.interval_count,
    {#- A price with a meter is billed by use even where the older field says nothing. -#}
    case when priced.meter is not null then 'metered' else priced.usage_type end as usage_type,
    priced.currency,
    coalesce(priced.status not in ('canceled', 'incomplete_expired'), false) as is_active,
    {{ from_epoch('priced.created') }} as created_at
from priced
left join products on priced.product = products.source_id
left join currencies on priced.currency = currencies.code
