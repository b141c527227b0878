with links as (
    select * from {{ ref('int_account_links') }}
    where reason is not null
),

records as (
    select * from {{ ref('int_account_records') }}
),

contacts as (
    select * from {{ ref('int_contacts') }}
    where account_id is null and not is_deleted
),

opportunities as (
    select * from {{ ref('int_opportunities') }}
    where account_id is null and not is_deleted
),

users as (
    select * from {{ ref('int_product_users') }}
    where account_id is null and not is_excluded
),

free_mail as (
    select domain from {{ ref('free_mail_domains') }}
),

kinds as (
    select source, kind from {{ ref('int_freshness') }}
),

unmatched as (
    select
        links.source,
        links.kind,
        'account' as entity,
        links.source_id,
        {#- The name of a party that writes from a free-mail address may be a person's. -#}
        case when not records.is_free_mail and links.kind <> 'product' then records.name end as display_name,
        links.reason,
        links.candidates,
        links.account_id as own_account_id
    from links
    inner join records on links.source = records.source and links.source_id = records.source_id
    union all
    select
        contacts.source,
        kinds.kind,
        'contact' as entity,
        contacts.source_id,
        null as display_name,
        case
            when contacts.account_source_id is not null then 'no_match'
            when free_mail.domain is not null then 'free_mail'
            else 'no_key'
        end as reason,
        null as candidates,
        null as own_account_id
    from contacts
    left join kinds on contacts.source = kinds.source
    left join free_mail on contacts.email_domain = free_mail.domain
    union all
    select
        source,
        'crm' as kind,
        'opportunity' as entity,
        source_id,
        name as display_name,
        case when account_source_id is not null then 'no_match' else 'no_key' end as reason,
        null as candidates,
        null as own_account_id
    from opportunities
    union all
    select
        source,
        'product' as kind,
        'user' as entity,
        user_key as source_id,
        null as display_name,
        case when account_key is not null then 'no_match' else 'no_key' end as reason,
        null as candidates,
        null as own_account_id
    from users
),

rates as (
    select * from {{ ref('int_exchange_rates') }}
),

paid as (
    select
        subscriptions.source,
        subscriptions.account_source_id as source_id,
        sum(items.mrr * rates.rate) as mrr
    from {{ ref('int_item_mrr') }} as items
    inner join {{ ref('int_subscriptions') }} as subscriptions
        on items.source = subscriptions.source and items.subscription_source_id = subscriptions.source_id
    left join rates
        on
            items.currency = rates.currency
            and items.measured_on >= rates.valid_from
            and (rates.valid_to is null or items.measured_on < rates.valid_to)
    where items.measured_on = {{ as_of_day() }} and items.mrr > 0
    group by subscriptions.source, subscriptions.account_source_id
),

recent as (
    select * from {{ ref('int_product_user_daily') }}
    where day > {{ dbt.dateadd('day', -28, as_of_day()) }}
),

used as (
    select source, 'account' as entity, account_key as source_id, sum(events) as events from recent
    group by source, account_key
    union all
    select source, 'user' as entity, user_key as source_id, sum(events) as events from recent
    group by source, user_key
)

select
    unmatched.source,
    unmatched.kind,
    unmatched.entity,
    unmatched.source_id,
    unmatched.display_name,
    unmatched.reason,
    unmatched.candidates,
    unmatched.own_account_id,
    cast(paid.mrr as {{ sql_type('money') }}) as mrr_at_stake,
    cast(used.events as {{ dbt.type_bigint() }}) as events_28d_at_stake
from unmatched
left join paid
    on unmatched.source = paid.source and unmatched.source_id = paid.source_id and unmatched.entity = 'account'
left join used
    on unmatched.source = used.source and unmatched.source_id = used.source_id and unmatched.entity = used.entity
