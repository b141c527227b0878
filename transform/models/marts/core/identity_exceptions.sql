with links as (
    select * from {{ ref('int_account_links') }}
    where account_id is not null
),

records as (
    select * from {{ ref('int_account_records') }}
),

crowds as (
    {#- Records that a vendor merged into one are one. #}
    select
        links.account_id,
        links.source,
        count(*) as records
    from links
    left join records on links.source = records.source and links.source_id = records.source_id
    where links.rule <> 'vendor_merge' and not coalesce(records.is_deleted, false)
    group by links.account_id, links.source
    having count(*) > {{ var('identity_max_records_per_source') }}
),

people as (
    select * from {{ ref('int_account_people') }}
),

crowded_addresses as (
    select people.email
    from people
    inner join links on people.source = links.source and people.source_id = links.source_id
    group by people.email
    having count(distinct links.account_id) > {{ var('identity_max_accounts_per_domain') }}
),

shared_addresses as (
    select
        links.source,
        links.source_id,
        min(links.account_id) as account_id,
        count(distinct people.email) as addresses
    from people
    inner join crowded_addresses on people.email = crowded_addresses.email
    inner join links on people.source = links.source and people.source_id = links.source_id
    group by links.source, links.source_id
),

domains as (
    select
        records.match_domain as domain,
        count(distinct links.account_id) as accounts,
        min(links.account_id) as account_id
    from records
    inner join links on records.source = links.source and records.source_id = links.source_id
    where records.match_domain is not null and not records.is_deleted
    group by records.match_domain
    having count(distinct links.account_id) > {{ var('identity_max_accounts_per_domain') }}
),

overrides as (
    select * from {{ ref('int_identity_override_targets') }}
    where problem is not null
),

hierarchy as (
    select * from {{ ref('int_account_hierarchy') }}
    where is_parent_refused
),

exceptions as (
    select
        'many_records_of_a_source' as exception,
        account_id || ' in ' || source as subject,
        account_id,
        records,
        'more records of one source than a company has; a shared key may have pulled them together' as detail
    from crowds
    union all
    select
        'address_of_many_accounts' as exception,
        source || ':' || source_id as subject,
        account_id,
        addresses as records,
        'addresses that more accounts have than are believed; they lead nowhere' as detail
    from shared_addresses
    union all
    select
        'domain_of_many_accounts' as exception,
        domain as subject,
        account_id,
        accounts as records,
        'more accounts have this domain than are believed; it leads nowhere' as detail
    from domains
    union all
    select
        'override_' || problem as exception,
        record_source || ':' || record_id as subject,
        cast(null as {{ dbt.type_string() }}) as account_id,
        1 as records,
        'the decision in ' || source_id || ' is not followed' as detail
    from overrides
    union all
    select
        'circle_of_parents' as exception,
        account_id as subject,
        account_id,
        1 as records,
        'names ' || refused_parent_account_id || ' as its parent, which leads back to it' as detail
    from hierarchy
)

select
    exception,
    subject,
    min(account_id) as account_id,
    cast(sum(records) as {{ dbt.type_bigint() }}) as records,
    min(detail) as detail
from exceptions
group by exception, subject
