{#- external_id is what the customer's own product calls the organization. -#}
with organizations as (
    select * from {{ source('raw_zendesk', 'organizations') }}
),

domains as (
    {{ json_elements('organizations', ['id'], 'domain_names') }}
)

select
    'zendesk' as source,
    organizations.id as source_id,
    'support' as kind,
    {{ clean('organizations.name') }} as name,
    {#- An element of a list of texts comes with its quotation marks. -#}
    {{ clean("replace(domains.element, '\"', '')") }} as domain,
    cast(null as {{ dbt.type_string() }}) as website,
    cast(null as {{ dbt.type_string() }}) as industry,
    cast(null as {{ dbt.type_bigint() }}) as employee_count,
    cast(null as {{ dbt.type_string() }}) as country,
    cast(null as {{ dbt.type_string() }}) as owner_source_id,
    cast(null as {{ dbt.type_string() }}) as parent_source_id,
    {{ clean(json_text('organizations.organization_fields', var('zendesk_crm_field'))) }} as crm_id,
    {{ clean('organizations.external_id') }} as product_id,
    cast(null as {{ dbt.type_string() }}) as billing_id,
    cast(null as {{ dbt.type_string() }}) as email,
    {{ utc('organizations.created_at') }} as created_at,
    {{ utc('organizations.updated_at') }} as updated_at,
    organizations.deleted_at is not null as is_deleted
from organizations
left join domains on organizations.id = domains.id and domains.position = 1
