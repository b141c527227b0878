{#-
    The addresses that an account record is known by: its own, those of its living contacts, those
    of its users. Our own people are everybody's and tell nothing.
-#}
with accounts as (
    {{ union_entity('accounts') }}
),

contacts as (
    {{ union_entity('contacts') }}
),

users as (
    select * from {{ ref('int_product_profiles') }}
),

excluded as (
    select * from {{ ref('excluded_users') }}
),

own_people as (
    select distinct users.source, users.user_key
    from users
    inner join excluded
        on
            (excluded.match_on = 'user_key' and users.user_key = excluded.value)
            or (excluded.match_on = 'user_key_prefix' and users.user_key like excluded.value || '%')
),

people as (
    select source, source_id, email, created_at from accounts
    where not is_deleted
    union all
    select source, account_source_id as source_id, email, created_at from contacts
    where not is_deleted
    union all
    select users.source, users.account_key as source_id, users.email, users.created_at
    from users
    left join own_people on users.source = own_people.source and users.user_key = own_people.user_key
    where own_people.user_key is null
),

addresses as (
    select distinct
        source,
        source_id,
        lower(trim(email)) as email,
        {{ normalise_domain(dbt.split_part('email', "'@'", 2)) }} as host
    from people
    where source_id is not null and email like '%_@_%' and (created_at is null or created_at <= {{ as_of() }})
),

hosts as (
    select * from {{ ref('int_hosts') }}
),

own_domains as (
    select value as domain from {{ ref('excluded_users') }}
    where match_on = 'email_domain'
)

select
    addresses.source,
    addresses.source_id,
    addresses.email,
    case when not hosts.names_nobody then hosts.domain end as company_domain
from addresses
inner join hosts on addresses.host = hosts.host
where hosts.host not in (select own_domains.domain from own_domains)
