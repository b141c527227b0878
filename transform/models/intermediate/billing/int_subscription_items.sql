with items as (
    {{ union_entity('subscription_items') }}
),

subscriptions as (
    select source, source_id, account_id from {{ ref('int_subscriptions') }}
)

select
    items.*,
    subscriptions.account_id
from items
inner join subscriptions
    on items.source = subscriptions.source and items.subscription_source_id = subscriptions.source_id
where items.created_at is null or items.created_at <= {{ as_of() }}
