{#-
    Every account record of every source with the keys it can be found by. A product account has
    no domain of its own: it takes the company domain in which most of its users' addresses are.
    Where several CRMs are on, the first of var sources that has a record is the one that anchors.
-#}
with accounts as (
    {{ union_entity('accounts') }}
),

users as (
    {{ union_entity('product_users') }}
),

free_mail as (
    select domain from {{ ref('free_mail_domains') }}
),

user_domains as (
    select
        source,
        account_key,
        {{ normalise_domain(dbt.split_part('email', "'@'", 2)) }} as domain,
        count(*) as users
    from users
    where created_at is null or created_at <= {{ as_of() }}
    group by 1, 2, 3
),

company_domains as (
    select
        source,
        account_key,
        domain,
        cast(users as decimal(18, 4)) / sum(users) over (partition by source, account_key) as share
    from user_domains
    where domain is not null and domain not in (select free_mail.domain from free_mail)
),

records as (
    select
        accounts.*,
        coalesce(
            {{ normalise_domain('accounts.domain') }},
            {{ normalise_domain('accounts.website') }},
            company_domains.domain
        ) as match_domain
    from accounts
    left join company_domains
        on
            accounts.source = company_domains.source
            and accounts.source_id = company_domains.account_key
            and accounts.kind = 'product'
            and company_domains.share > {{ var('identity_domain_min_share') }}
    where accounts.created_at is null or accounts.created_at <= {{ as_of() }}
),

survivors as (
    select * from {{ ref('int_account_survivors') }}
)

select
    records.*,
    records.kind = 'crm' and {{ source_place('records.source') }} = min(
        case when records.kind = 'crm' then {{ source_place('records.source') }} end
    ) over () as is_anchor,
    coalesce(survivors.survivor_source_id, records.source_id) as survivor_source_id,
    free_mail.domain is not null as is_free_mail
from records
left join survivors
    on records.source = survivors.source and records.source_id = survivors.source_id
left join free_mail on records.match_domain = free_mail.domain
