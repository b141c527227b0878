{#- A discount on a subscription or item belongs to the account of the subscription. -#}
with discounts as (
    {{ union_entity('discounts') }}
),

subscriptions as (
    select source, source_id, account_id from {{ ref('int_subscriptions') }}
),

links as (
    select source, source_id, account_id from {{ ref('int_account_links') }}
)

select
    discounts.*,
    coalesce(subscriptions.account_id, links.account_id) as account_id
from discounts
left join subscriptions
    on
        discounts.source = subscriptions.source
        and discounts.subscription_source_id = subscriptions.source_id
left join links
    on discounts.source = links.source and discounts.account_source_id = links.source_id
where discounts.starts_at is null or discounts.starts_at <= {{ as_of() }}
