{#- The vendor keeps no domain: identity takes the host of the website. -#}
select
    'salesforce' as source,
    id as source_id,
    'crm' as kind,
    {{ clean('name') }} as name,
    cast(null as {{ dbt.type_string() }}) as domain,
    {{ clean('website') }} as website,
    {{ clean('industry') }} as industry,
    {{ try_cast('number_of_employees', 'integer') }} as employee_count,
    {{ clean('billing_country') }} as country,
    {{ clean('owner_id') }} as owner_source_id,
    {{ clean('parent_id') }} as parent_source_id,
    cast(null as {{ dbt.type_string() }}) as crm_id,
    {{ clean('product_account_id') }} as product_id,
    cast(null as {{ dbt.type_string() }}) as email,
    {{ clean('billing_customer_id') }} as billing_id,
    {{ utc('created_date') }} as created_at,
    {{ utc('system_modstamp') }} as updated_at,
    coalesce(is_deleted, false) as is_deleted
from {{ source('raw_salesforce', 'accounts') }}
