{#-
    Only rows of completed loads: a load that was killed halfway is loaded again in full. Raw may
    hold one event several times; its id is the vendor's dedup key (event, user, time, insert id),
    or, without an insert id, the whole row.
-#}
with completed as (
    select load_id from {{ source('raw_mixpanel', '_dlt_loads') }}
    where status = 0
),

events as (
    select * from {{ source('raw_mixpanel', 'events') }}
    where _dlt_load_id in (select completed.load_id from completed)
)

select
    'mixpanel' as source,
    {{ dbt.hash(
        "event || '|' || coalesce(distinct_id, '') || '|' || " ~ dbt.cast('time', dbt.type_string())
        ~ " || '|' || coalesce(nullif(insert_id, ''), coalesce(user_id, '') || '|' || coalesce(group_key, '') || '|' || coalesce("
        ~ dbt.cast('properties', dbt.type_string()) ~ ", ''))"
    ) }} as event_id,
    {{ utc('time') }} as occurred_at,
    {{ utc('processed_at') }} as received_at,
    {#- Before anybody signs in the vendor sends the device in place of the person. -#}
    coalesce(
        nullif(trim(user_id), ''),
        case
            when distinct_id like '$device:%' or distinct_id = device_id then null
            else nullif(trim(distinct_id), '')
        end
    ) as user_key,
    coalesce(
        nullif(trim(device_id), ''),
        case when distinct_id like '$device:%' then replace(distinct_id, '$device:', '') end
    ) as device_key,
    nullif(trim(group_key), '') as account_key,
    event as event_name,
    properties,
    {{ from_epoch('cast(_dlt_load_id as ' ~ sql_type('float') ~ ')') }} as loaded_at
from events
