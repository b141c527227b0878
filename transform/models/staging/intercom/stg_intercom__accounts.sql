{#- company_id is what the customer's own product calls the company. -#}
select
    'intercom' as source,
    id as source_id,
    'support' as kind,
    {{ clean('name') }} as name,
    cast(null as {{ dbt.type_string() }}) as domain,
    {{ clean('website') }} as website,
    {{ clean('industry') }} as industry,
    size as employee_count,
    cast(null as {{ dbt.type_string() }}) as country,
    cast(null as {{ dbt.type_string() }}) as owner_source_id,
    cast(null as {{ dbt.type_string() }}) as parent_source_id,
    {{ clean(json_text('custom_attributes', var('intercom_crm_attribute'))) }} as crm_id,
    {{ clean('company_id') }} as product_id,
    cast(null as {{ dbt.type_string() }}) as billing_id,
    cast(null as {{ dbt.type_string() }}) as email,
    {{ utc('created_at') }} as created_at,
    {{ utc('updated_at') }} as updated_at,
    coalesce(deleted, false) as is_deleted
from {{ source('raw_intercom', 'companies') }}
