{#-
    One interaction may match several labels and is then an event of each of their tables. The
    vendor's own user ids stand in the events for ever; whom they turned out to be is said by
    product_user_aliases.
-#}
with completed as (
    select load_id from {{ source('raw_heap', '_dlt_loads') }}
    where status = 0
)

select
    'heap' as source,
    {{ dbt.hash("event_table || '|' || event_id || '|' || user_id") }} as event_id,
    {{ utc('time') }} as occurred_at,
    {{ utc('dumped_at') }} as received_at,
    user_id as user_key,
    cast(null as {{ dbt.type_string() }}) as device_key,
    {{ clean('account_key') }} as account_key,
    event_table as event_name,
    properties,
    {{ from_epoch('cast(_dlt_load_id as ' ~ sql_type('float') ~ ')') }} as loaded_at
from {{ source('raw_heap', 'events') }}
where _dlt_load_id in (select completed.load_id from completed)
