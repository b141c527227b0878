select
    'stripe' as source,
    id as source_id,
    'billing' as kind,
    {{ clean('name') }} as name,
    {{ clean(dbt.split_part('email', "'@'", 2)) }} as domain,
    cast(null as {{ dbt.type_string() }}) as website,
    cast(null as {{ dbt.type_string() }}) as industry,
    cast(null as {{ dbt.type_bigint() }}) as employee_count,
    {{ clean('address__country') }} as country,
    cast(null as {{ dbt.type_string() }}) as owner_source_id,
    cast(null as {{ dbt.type_string() }}) as parent_source_id,
    {{ clean('metadata__hubspot_company_id') }} as crm_id,
    {{ clean('metadata__product_account_id') }} as product_id,
    {{ from_epoch('created') }} as created_at,
    {{ from_epoch('created') }} as updated_at,
    coalesce(deleted, false) as is_deleted
from {{ source('raw_stripe', 'customers') }}
