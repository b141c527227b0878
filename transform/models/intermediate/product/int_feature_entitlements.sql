{#- What the products that an account pays for promise, at the end of each month, today of this one. -#}
with bounds as (
    select cast({{ dbt.date_trunc('month', 'min(week_end)') }} as date) as first_month_on
    from {{ ref('int_usage_weeks') }}
),

items as (
    select distinct
        item_mrr.account_id,
        item_mrr.month_on,
        item_mrr.product_features
    from {{ ref('int_item_mrr') }} as item_mrr
    inner join bounds on item_mrr.month_on >= bounds.first_month_on
    where
        item_mrr.account_id is not null
        and item_mrr.product_features is not null
        and (item_mrr.not_counted_because is null or item_mrr.not_counted_because = 'metered')
),

lists as (
    select distinct product_features, product_features as features from items
),

listed as (
    {{ split_to_rows('lists', ['features'], 'product_features', ',') }}
)

select distinct
    items.account_id,
    items.month_on,
    lower(listed.part) as feature
from items
inner join listed on items.product_features = listed.features
