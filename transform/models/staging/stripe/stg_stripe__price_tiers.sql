with prices as (
    select id, currency, tiers from {{ source('raw_stripe', 'prices') }}
    where tiers is not null
),

embedded as (
    {#- Prices that are only known from inside an item. -#}
    select
        items.price as id,
        max({{ json_text('items.price_object', 'currency') }}) as currency,
        max({{ json_member('items.price_object', 'tiers') }}) as tiers
    from {{ source('raw_stripe', 'subscription_items') }} as items
    where items.price not in (select prices.id from prices)
    group by items.price
),

tiered as (
    select id, upper(currency) as currency, cast(tiers as {{ dbt.type_string() }}) as tiers from prices
    union all
    select id, upper(currency) as currency, tiers from embedded
    where tiers is not null
),

tiers as (
    {{ json_elements('tiered', ['id', 'currency'], 'tiers') }}
),

currencies as (
    select * from {{ ref('currencies') }}
),

amounts as (
    select
        id,
        currency,
        position,
        {{ try_cast(json_text('element', 'up_to'), 'integer') }} as up_to,
        coalesce(
            {{ try_cast(json_text('element', 'unit_amount_decimal'), 'unit_price') }},
            {{ try_cast(json_text('element', 'unit_amount'), 'unit_price') }}
        ) as unit_amount,
        coalesce(
            {{ try_cast(json_text('element', 'flat_amount_decimal'), 'unit_price') }},
            {{ try_cast(json_text('element', 'flat_amount'), 'unit_price') }}
        ) as flat_amount
    from tiers
)

select
    'stripe' as source,
    amounts.id as price_source_id,
    amounts.position as tier_no,
    amounts.up_to,
    coalesce({{ to_major('amounts.unit_amount', 'currencies.minor_units', 'unit_price') }}, 0) as unit_amount,
    coalesce({{ to_major('amounts.flat_amount', 'currencies.minor_units', 'unit_price') }}, 0) as flat_amount,
    amounts.currency
from amounts
left join currencies on amounts.currency = currencies.code
