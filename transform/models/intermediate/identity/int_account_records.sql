{#-
    Every account record of every source, with the domain it can be found by: the one it states, else
    the company domain in which most addresses of its people are. Where several CRMs are on, the
    first of var sources that has a record is the one that anchors.
-#}
with accounts as (
    {{ union_entity('accounts') }}
),

hosts as (
    select * from {{ ref('int_hosts') }}
),

domains_of_people as (
    select
        source,
        source_id,
        company_domain,
        count(*) as people
    from {{ ref('int_account_people') }}
    where company_domain is not null
    group by source, source_id, company_domain
),

shares as (
    select
        source,
        source_id,
        company_domain,
        cast(people as decimal(18, 4)) / sum(people) over (partition by source, source_id) as share
    from domains_of_people
),

records as (
    select
        accounts.*,
        coalesce(
            case when not by_domain.names_nobody then by_domain.domain end,
            case when not by_website.names_nobody then by_website.domain end,
            shares.company_domain
        ) as match_domain,
        coalesce(by_domain.names_nobody, by_website.names_nobody, false) as writes_from_free_mail
    from accounts
    left join hosts as by_domain on {{ normalise_domain('accounts.domain') }} = by_domain.host
    left join hosts as by_website on {{ normalise_domain('accounts.website') }} = by_website.host
    left join shares
        on
            accounts.source = shares.source
            and accounts.source_id = shares.source_id
            and shares.share > {{ var('identity_domain_min_share') }}
    where accounts.created_at is null or accounts.created_at <= {{ as_of() }}
),

survivors as (
    select * from {{ ref('int_account_survivors') }}
)

select
    records.*,
    records.writes_from_free_mail and records.match_domain is null as is_free_mail,
    records.kind = 'crm' and {{ source_place('records.source') }} = min(
        case when records.kind = 'crm' then {{ source_place('records.source') }} end
    ) over () as is_anchor,
    coalesce(survivors.survivor_source_id, records.source_id) as survivor_source_id
from records
left join survivors
    on records.source = survivors.source and records.source_id = survivors.source_id
