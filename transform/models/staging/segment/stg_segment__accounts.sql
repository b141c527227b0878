{#-
    An account is a group that a call names; what it is called stands in the traits of the newest
    group call that says so.
-#}
with completed as (
    select load_id from {{ source('raw_segment', '_dlt_loads') }}
    where status = 0
),

calls as (
    select
        message_id,
        type,
        traits,
        {{ clean('group_id') }} as group_key,
        {{ utc('occurred_at') }} as occurred_at
    from {{ source('raw_segment', 'calls') }}
    where _dlt_load_id in (select completed.load_id from completed)
),

seen as (
    select
        group_key,
        {#- Clock faults aside, the first sign of life. -#}
        min(case when occurred_at >= cast('{{ var("history_start") }}' as date) then occurred_at end) as created_at,
        max(case when occurred_at <= {{ as_of() }} then occurred_at end) as updated_at
    from calls
    where group_key is not null
    group by group_key
),

described as (
    select
        group_key,
        traits,
        row_number() over (partition by group_key order by occurred_at desc, message_id desc) as place
    from calls
    where type = 'group' and {{ json_text('traits', 'name') }} is not null
)

select
    'segment' as source,
    seen.group_key as source_id,
    'product' as kind,
    {{ clean(json_text('described.traits', 'name')) }} as name,
    {{ normalise_domain(json_text('described.traits', 'website')) }} as domain,
    {{ clean(json_text('described.traits', 'website')) }} as website,
    {{ clean(json_text('described.traits', 'industry')) }} as industry,
    {{ try_cast(json_text('described.traits', 'employees'), 'integer') }} as employee_count,
    cast(null as {{ dbt.type_string() }}) as country,
    cast(null as {{ dbt.type_string() }}) as owner_source_id,
    cast(null as {{ dbt.type_string() }}) as parent_source_id,
    cast(null as {{ dbt.type_string() }}) as crm_id,
    seen.group_key as product_id,
    cast(null as {{ dbt.type_string() }}) as billing_id,
    cast(null as {{ dbt.type_string() }}) as email,
    seen.created_at,
    seen.updated_at,
    false as is_deleted
from seen
left join described on seen.group_key = described.group_key and described.place = 1
