{%- set attributes = ['name', 'domain', 'industry', 'employee_count', 'country'] -%}
with master as (
    select * from {{ ref('int_account_master') }}
),

owners as (
    select * from {{ ref('int_owners') }}
)

select
    master.account_id,
    {%- for attribute in attributes %}
    {% if attribute == 'employee_count' -%}
    cast(master.employee_count as {{ dbt.type_bigint() }}) as employee_count,
    {%- else -%}
    master.{{ attribute }},
    {%- endif %}
    master.{{ attribute }}_record,
    {{ survivorship_reason('master.' ~ attribute ~ '_record', 'master.' ~ attribute ~ '_records') }}
        as {{ attribute }}_reason,
    {%- endfor %}
    owners.name as owner_name,
    master.owner_source_id_record as owner_record,
    {{ survivorship_reason('master.owner_source_id_record', 'master.owner_source_id_records') }} as owner_reason,
    master.anchor_kind,
    cast(master.records as {{ dbt.type_bigint() }}) as records,
    master.has_crm,
    master.has_billing,
    master.has_product,
    master.has_support,
    master.created_at,
    master.is_deleted
from master
left join owners on master.owner_source = owners.source and master.owner_source_id = owners.source_id
