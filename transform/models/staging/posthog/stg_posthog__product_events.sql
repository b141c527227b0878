{#-
    Before somebody signs in, the id is that of the browser. What the library and the server note
    about themselves (who was linked to whom, which flag was read, how fast a page was) is no use of
    the product.
-#}
with completed as (
    select load_id from {{ source('raw_posthog', '_dlt_loads') }}
    where status = 0
),

events as (
    select
        *,
        coalesce(not is_identified, false) or coalesce(distinct_id = device_id, false) as is_anonymous
    from {{ source('raw_posthog', 'events') }}
    where
        _dlt_load_id in (select completed.load_id from completed)
        and event not in (
            '$identify', '$create_alias', '$merge_dangerously', '$groupidentify', '$set',
            '$feature_flag_called', '$web_vitals', '$exception', '$$heatmap', '$opt_in',
            '$$client_ingestion_warning'
        )
)

select
    'posthog' as source,
    uuid as event_id,
    {{ utc('timestamp') }} as occurred_at,
    {{ utc('inserted_at') }} as received_at,
    case when not is_anonymous then {{ clean('distinct_id') }} end as user_key,
    coalesce({{ clean('device_id') }}, case when is_anonymous then {{ clean('distinct_id') }} end)
        as device_key,
    {{ clean('group_key') }} as account_key,
    event as event_name,
    properties,
    {{ from_epoch('cast(_dlt_load_id as ' ~ sql_type('float') ~ ')') }} as loaded_at
from events
