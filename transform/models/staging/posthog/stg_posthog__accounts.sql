{#- The vendor has no list of companies: an account is a group key that an event or a user carries. -#}
with completed as (
    select load_id from {{ source('raw_posthog', '_dlt_loads') }}
    where status = 0
),

seen as (
    select
        nullif(trim(group_key), '') as group_key,
        {{ utc('timestamp') }} as seen_at
    from {{ source('raw_posthog', 'events') }}
    where _dlt_load_id in (select completed.load_id from completed)
    union all
    select account_key as group_key, created_at as seen_at
    from {{ ref('stg_posthog__product_users') }}
)

select
    'posthog' as source,
    group_key as source_id,
    'product' as kind,
    cast(null as {{ dbt.type_string() }}) as name,
    cast(null as {{ dbt.type_string() }}) as domain,
    cast(null as {{ dbt.type_string() }}) as website,
    cast(null as {{ dbt.type_string() }}) as industry,
    cast(null as {{ dbt.type_bigint() }}) as employee_count,
    cast(null as {{ dbt.type_string() }}) as country,
    cast(null as {{ dbt.type_string() }}) as owner_source_id,
    cast(null as {{ dbt.type_string() }}) as parent_source_id,
    cast(null as {{ dbt.type_string() }}) as crm_id,
    group_key as product_id,
    cast(null as {{ dbt.type_string() }}) as billing_id,
    cast(null as {{ dbt.type_string() }}) as email,
    {#- Clock faults aside, the first sign of life. -#}
    min(case when seen_at >= cast('{{ var("history_start") }}' as date) then seen_at end) as created_at,
    max(case when seen_at <= {{ as_of() }} then seen_at end) as updated_at,
    false as is_deleted
from seen
where group_key is not null
group by group_key
