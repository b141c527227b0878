{#-
    Only rows of completed loads, and only what somebody did: not how the vendor learns who is who
    ($identify and the like), and not what ad networks and imports write into the stream outside of
    any session as nobody's.
-#}
with completed as (
    select load_id from {{ source('raw_amplitude', '_dlt_loads') }}
    where status = 0
)

select
    'amplitude' as source,
    uuid as event_id,
    {{ utc('event_time') }} as occurred_at,
    {{ utc('server_upload_time') }} as received_at,
    {{ clean('user_id') }} as user_key,
    {{ clean('device_id') }} as device_key,
    {{ clean('group_key') }} as account_key,
    event_type as event_name,
    event_properties as properties,
    {{ from_epoch('cast(_dlt_load_id as ' ~ sql_type('float') ~ ')') }} as loaded_at
from {{ source('raw_amplitude', 'events') }}
where
    _dlt_load_id in (select completed.load_id from completed)
    and event_type not like '$%'
    and (coalesce(session_id, -1) <> -1 or {{ clean('user_id') }} is not null)
