with records as (
    select * from {{ ref('int_account_records') }}
),

links as (
    select * from {{ ref('int_account_links') }}
)

select
    records.source,
    records.source_id,
    records.kind,
    records.name,
    records.domain,
    records.website,
    records.industry,
    records.employee_count,
    records.country,
    records.owner_source_id,
    records.parent_source_id,
    records.crm_id,
    records.product_id,
    records.created_at,
    records.updated_at,
    records.is_deleted,
    links.account_id
from records
left join links on records.source = links.source and records.source_id = links.source_id
