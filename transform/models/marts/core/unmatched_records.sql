with all_links as (
    select * from {{ ref('int_account_links') }}
),

links as (
    {#- What a person cut loose is settled. -#}
    select * from all_links
    where reason <> 'unlinked'
),

resembling as (
    select
        matches.source,
        matches.source_id,
        all_links.account_id,
        max(matches.probability) as probability
    from {{ ref('int_name_matches') }} as matches
    inner join all_links
        on matches.owner_source = all_links.source and matches.owner_source_id = all_links.source_id
    where all_links.account_id is not null
    group by matches.source, matches.source_id, all_links.account_id
),

ranked as (
    select
        *,
        row_number() over (
            partition by source, source_id order by probability desc, account_id asc
        ) as place
    from resembling
),

namesakes as (
    select
        source,
        source_id,
        max(probability) as probability,
        {{ dbt.listagg('account_id', "', '", 'order by place') }} as candidates
    from ranked
    where place <= 3
    group by source, source_id
),

records as (
    select * from {{ ref('int_account_records') }}
),

found_people as (
    select * from {{ ref('int_person_links') }}
),

contacts as (
    select contacts.*
    from {{ ref('int_contacts') }} as contacts
    left join found_people
        on
            contacts.source = found_people.source
            and contacts.source_id = found_people.source_id
            and found_people.entity = 'contact'
    where contacts.account_id is null and not contacts.is_deleted and found_people.source_id is null
),

opportunities as (
    select * from {{ ref('int_opportunities') }}
    where account_id is null and not is_deleted
),

users as (
    select * from {{ ref('int_product_users') }}
    where account_id is null and not is_excluded
),

hosts as (
    select * from {{ ref('int_hosts') }}
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
        case
            when links.reason <> 'ambiguous' and namesakes.source_id is not null then 'similar_name'
            else links.reason
        end as reason,
        coalesce(links.candidates, namesakes.candidates) as candidates,
        case when links.candidates is null then namesakes.probability end as probability,
        links.account_id as own_account_id
    from links
    inner join records on links.source = records.source and links.source_id = records.source_id
    left join namesakes on links.source = namesakes.source and links.source_id = namesakes.source_id
    union all
    select
        contacts.source,
        kinds.kind,
        'contact' as entity,
        contacts.source_id,
        null as display_name,
        case
            when contacts.account_source_id is not null then 'no_match'
            when hosts.names_nobody then 'free_mail'
            else 'no_key'
        end as reason,
        null as candidates,
        null as probability,
        null as own_account_id
    from contacts
    left join kinds on contacts.source = kinds.source
    left join hosts on contacts.email_domain = hosts.host
    union all
    select
        source,
        'crm' as kind,
        'opportunity' as entity,
        source_id,
        name as display_name,
        case when account_source_id is not null then 'no_match' else 'no_key' end as reason,
        null as candidates,
        null as probability,
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
        null as probability,
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
),

tickets as (
    select source, account_source_id as source_id, count(*) as tickets
    from {{ ref('int_ticket_records') }}
    where created_at > {{ dbt.dateadd('day', -90, as_of_day()) }} and account_source_id is not null
    group by source, account_source_id
)

select
    unmatched.source,
    unmatched.kind,
    unmatched.entity,
    unmatched.source_id,
    unmatched.display_name,
    unmatched.reason,
    unmatched.candidates,
    cast(unmatched.probability as decimal(4, 2)) as candidate_probability,
    unmatched.own_account_id,
    cast(paid.mrr as {{ sql_type('money') }}) as mrr_at_stake,
    cast(12 * paid.mrr as {{ sql_type('money') }}) as arr_at_stake,
    cast(used.events as {{ dbt.type_bigint() }}) as events_28d_at_stake,
    cast(tickets.tickets as {{ dbt.type_bigint() }}) as tickets_90d_at_stake
from unmatched
left join paid
    on unmatched.source = paid.source and unmatched.source_id = paid.source_id and unmatched.entity = 'account'
left join used
    on unmatched.source = used.source and unmatched.source_id = used.source_id and unmatched.entity = used.entity
left join tickets
    on unmatched.source = tickets.source and unmatched.source_id = tickets.source_id and unmatched.entity = 'account'
