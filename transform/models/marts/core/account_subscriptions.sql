with items as (
    select * from {{ ref('int_item_mrr') }}
    where measured_on = {{ as_of_day() }} and account_id is not null
),

subscriptions as (
    select * from {{ ref('int_subscriptions') }}
),

rates as (
    select currency, rate from {{ ref('int_exchange_rates') }}
    where valid_from <= {{ as_of_day() }} and (valid_to is null or valid_to > {{ as_of_day() }})
)

select
    items.source,
    items.item_source_id,
    items.subscription_source_id,
    items.account_id,
    items.product_name,
    coalesce(items.not_counted_because, 'running') as state,
    items.exception,
    items.is_seat_based,
    cast(items.quantity as {{ dbt.type_bigint() }}) as quantity,
    items.currency,
    items.mrr,
    '{{ var("reporting_currency") }}' as reporting_currency,
    {{ money('items.mrr * rates.rate') }} as mrr_reporting,
    items.term_months,
    {{ local_date('subscriptions.started_at') }} as started_on,
    items.period_end_on,
    coalesce(items.is_cancelling, false) as is_cancelling,
    case when subscriptions.ended_at <= {{ as_of() }} then {{ local_date('subscriptions.ended_at') }} end as ended_on
from items
left join subscriptions
    on
        items.source = subscriptions.source
        and items.subscription_source_id = subscriptions.source_id
left join rates on items.currency = rates.currency
