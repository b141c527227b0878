{#-
    Every host that an account or a person's address is at, once, because the public-suffix list is
    slow to ask. A host where anybody gets an address, or our own, names no company.
-#}
{%- set address = dbt.split_part('email', "'@'", 2) -%}
with accounts as (
    {{ union_entity('accounts') }}
),

contacts as (
    {{ union_entity('contacts') }}
),

users as (
    select * from {{ ref('int_product_profiles') }}
),

written as (
    select {{ normalise_domain('domain') }} as host from accounts
    union
    select {{ normalise_domain('website') }} as host from accounts
    union
    select {{ normalise_domain(address) }} as host from accounts
    union
    select {{ normalise_domain(address) }} as host from contacts
    union
    select {{ normalise_domain(address) }} as host from users
),

hosts as (
    select
        host,
        {{ registrable_domain('host') }} as domain
    from written
    where host is not null
),

nobodys as (
    select domain from {{ ref('free_mail_domains') }}
    union
    select value as domain from {{ ref('excluded_users') }}
    where match_on = 'email_domain'
)

select
    hosts.host,
    hosts.domain,
    by_domain.domain is not null or by_host.domain is not null as names_nobody
from hosts
left join nobodys as by_domain on hosts.domain = by_domain.domain
left join nobodys as by_host on hosts.host = by_host.domain
