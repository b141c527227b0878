with today as (
    select measured_on, month_on from {{ ref('int_mrr_months') }}
    where measured_on = {{ as_of_day() }}
),

items as (
    select * from {{ ref('int_item_mrr') }}
),

rates as (
    select * from {{ ref('int_exchange_rates') }}
),

found as (
    select
        source,
        case origin when 'invoice' then 'invoice_line' else 'subscription_item' end as record_type,
        item_source_id as record_id,
        subscription_source_id,
        account_id,
        exception as reason,
        'not_counted' as effect,
        currency,
        month_on
    from items
    where exception is not null
    union all
    select
        items.source,
        case items.origin when 'invoice' then 'invoice_line' else 'subscription_item' end as record_type,
        items.item_source_id as record_id,
        items.subscription_source_id,
        items.account_id,
        'no_exchange_rate' as reason,
        'not_in_reporting_currency' as effect,
        items.currency,
        items.month_on
    from items
    left join rates
        on
            items.currency = rates.currency
            and items.measured_on >= rates.valid_from
            and (rates.valid_to is null or items.measured_on < rates.valid_to)
    where items.mrr > 0 and rates.rate is null
    union all
    select
        source,
        'discount' as record_type,
        discount_source_id as record_id,
        subscription_source_id,
        account_id,
        'discount_in_other_currency' as reason,
        'counted_without_discount' as effect,
        cast(null as {{ dbt.type_string() }}) as currency,
        month_on
    from {{ ref('int_discount_pairs') }}
    where is_other_currency
)

select
    found.source || '/' || found.record_type || '/' || found.record_id || '/' || found.reason as exception_id,
    found.source,
    found.record_type,
    found.record_id,
    min(found.subscription_source_id) as subscription_source_id,
    min(found.account_id) as account_id,
    found.reason,
    found.effect,
    min(found.currency) as currency,
    min(found.month_on) as first_month_on,
    max(found.month_on) as last_month_on,
    count(distinct found.month_on) as months,
    max(case when today.month_on is not null then 1 else 0 end) = 1 as is_current,
    {{ as_of() }} as as_of
from found
left join today on found.month_on = today.month_on
group by found.source, found.record_type, found.record_id, found.reason, found.effect
