{#-
    How each contact, user and requester of a ticket comes to an account: through the account record
    that it belongs to (account_source_id, whose ranges it follows), else by what leads there
    otherwise (account_id): of a contact the same address in one account, else the company domain of
    one account; of a requester without a record the tickets.
-#}
with contacts as (
    select * from {{ ref('int_contacts') }}
    where not is_deleted
),

users as (
    select * from {{ ref('int_product_users') }}
    where not is_excluded
),

tickets as (
    select * from {{ ref('int_ticket_records') }}
),

links as (
    select source, source_id, account_id from {{ ref('int_account_links') }}
    where account_id is not null
),

people as (
    select source, source_id, 'contact' as entity, account_source_id, email, created_at
    from contacts
    union all
    select source, user_key as source_id, 'user' as entity, account_key as account_source_id, email, created_at
    from users
),

members as (
    select people.*
    from people
    inner join links on people.source = links.source and people.account_source_id = links.source_id
),

strangers as (
    select
        people.source,
        people.source_id,
        people.entity,
        people.created_at,
        lower(trim(people.email)) as email,
        {{ normalise_domain(dbt.split_part('people.email', "'@'", 2)) }} as host
    from people
    left join links on people.source = links.source and people.account_source_id = links.source_id
    where links.source_id is null and people.email is not null and people.entity = 'contact'
),

known_addresses as (
    select
        people.email,
        min(links.account_id) as account_id
    from {{ ref('int_account_people') }} as people
    inner join links on people.source = links.source and people.source_id = links.source_id
    group by people.email
    having count(distinct links.account_id) = 1
),

known_domains as (
    select
        records.match_domain as domain,
        min(links.account_id) as account_id
    from {{ ref('int_account_records') }} as records
    inner join links on records.source = links.source and records.source_id = links.source_id
    where records.match_domain is not null and not records.is_deleted
    group by records.match_domain
    having count(distinct links.account_id) = 1
),

hosts as (
    select * from {{ ref('int_hosts') }}
),

kinds as (
    select source, kind from {{ ref('int_freshness') }}
),

requesters as (
    {#- Who asked for help and stands in no list of people: all tickets must lead to one account. #}
    select
        tickets.source,
        tickets.requester_source_id as source_id,
        min(tickets.account_id) as account_id,
        min(tickets.account_rule) as account_rule,
        min(tickets.created_at) as created_at
    from tickets
    left join people
        on
            tickets.source = people.source
            and tickets.requester_source_id = people.source_id
            and people.entity = 'contact'
    where tickets.requester_source_id is not null and tickets.account_id is not null and people.source_id is null
    group by tickets.source, tickets.requester_source_id
    having count(distinct tickets.account_id) = 1
)

select
    source,
    source_id,
    entity,
    cast(null as {{ dbt.type_string() }}) as kind,
    account_source_id,
    cast(null as {{ dbt.type_string() }}) as account_id,
    case when entity = 'contact' then 'company_of_contact' else 'account_of_user' end as rule,
    'member of ' || account_source_id as evidence,
    cast(null as decimal(4, 2)) as confidence,
    created_at
from members
union all
select
    strangers.source,
    strangers.source_id,
    strangers.entity,
    kinds.kind,
    cast(null as {{ dbt.type_string() }}) as account_source_id,
    coalesce(known_addresses.account_id, known_domains.account_id) as account_id,
    case when known_addresses.account_id is not null then 'known_email' else 'company_domain' end as rule,
    case when known_addresses.account_id is null then 'domain = ' || hosts.domain end as evidence,
    cast(case when known_addresses.account_id is not null then 0.95 else 0.8 end as decimal(4, 2)) as confidence,
    strangers.created_at
from strangers
left join known_addresses on strangers.email = known_addresses.email
left join hosts on strangers.host = hosts.host and not hosts.names_nobody
left join known_domains on hosts.domain = known_domains.domain
left join kinds on strangers.source = kinds.source
where known_addresses.account_id is not null or known_domains.account_id is not null
union all
select
    requesters.source,
    requesters.source_id,
    'requester' as entity,
    kinds.kind,
    cast(null as {{ dbt.type_string() }}) as account_source_id,
    requesters.account_id,
    'account_of_ticket' as rule,
    'by ' || requesters.account_rule as evidence,
    cast(0.8 as decimal(4, 2)) as confidence,
    requesters.created_at
from requesters
left join kinds on requesters.source = kinds.source
