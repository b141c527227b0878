select
    'hubspot' as source,
    id as source_id,
    'crm' as kind,
    {{ clean('properties__name') }} as name,
    {{ clean('properties__domain') }} as domain,
    {{ clean('properties__website') }} as website,
    {{ clean('properties__industry') }} as industry,
    {{ try_cast(try_cast('properties__numberofemployees', 'ratio'), 'integer') }} as employee_count,
    {{ clean('properties__country') }} as country,
    {{ clean('properties__hubspot_owner_id') }} as owner_source_id,
    {{ clean('properties__hs_parent_company_id') }} as parent_source_id,
    cast(null as {{ dbt.type_string() }}) as crm_id,
    {{ clean('properties__product_account_id') }} as product_id,
    {{ clean('properties__billing_customer_id') }} as billing_id,
    coalesce({{ iso_to_utc('properties__createdate') }}, {{ utc('created_at') }}) as created_at,
    coalesce({{ iso_to_utc('properties__hs_lastmodifieddate') }}, {{ utc('updated_at') }}) as updated_at,
    coalesce(archived, false) as is_deleted
from {{ source('raw_hubspot', 'companies') }}
