with today as (
    select measured_on from {{ ref('int_mrr_months') }}
    where measured_on = {{ as_of_day() }}
),

items as (
    select * from {{ ref('int_item_mrr_days') }}
),

subscriptions as (
    select source, source_id, account_source_id from {{ ref('int_subscriptions') }}
),

ambiguous as (
    select source, source_id from {{ ref('int_account_links') }}
    where reason = 'ambiguous'
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
        measured_on
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
        items.measured_on
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
        measured_on
    from {{ ref('int_discount_pairs') }}
    where is_other_currency
    union all
    {#- It counts once, as an account of its own, until somebody says which of them it belongs to. #}
    select
        items.source,
        'customer' as record_type,
        ambiguous.source_id as record_id,
        items.subscription_source_id,
        items.account_id,
        'customer_in_two_accounts' as reason,
        'not_in_the_account' as effect,
        items.currency,
        items.measured_on
    from items
    inner join subscriptions
        on items.source = subscriptions.source and items.subscription_source_id = subscriptions.source_id
    inner join ambiguous
        on subscriptions.source = ambiguous.source and subscriptions.account_source_id = ambiguous.source_id
    where items.mrr > 0
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
    cast({{ dbt.date_trunc('month', 'min(found.measured_on)') }} as date) as first_month_on,
    cast({{ dbt.date_trunc('month', 'max(found.measured_on)') }} as date) as last_month_on,
    count(distinct {{ dbt.date_trunc('month', 'found.measured_on') }}) as months,
    max(case when today.measured_on is not null then 1 else 0 end) = 1 as is_current,
    {{ as_of() }} as as_of
from found
left join today on found.measured_on = today.measured_on
group by found.source, found.record_type, found.record_id, found.reason, found.effect
