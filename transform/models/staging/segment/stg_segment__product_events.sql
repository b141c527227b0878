{#-
    What somebody did: track, page and screen calls of completed loads. Identify, group and alias
    calls tell who somebody is, which is no use of the product.
-#}
with completed as (
    select load_id from {{ source('raw_segment', '_dlt_loads') }}
    where status = 0
)

select
    'segment' as source,
    message_id as event_id,
    {{ utc('occurred_at') }} as occurred_at,
    {{ utc('received_at') }} as received_at,
    {{ clean('user_id') }} as user_key,
    {{ clean('anonymous_id') }} as device_key,
    {{ clean('group_id') }} as account_key,
    case type when 'page' then 'page_viewed' when 'screen' then 'screen_viewed' else event end as event_name,
    properties,
    {{ from_epoch('cast(_dlt_load_id as ' ~ sql_type('float') ~ ')') }} as loaded_at
from {{ source('raw_segment', 'calls') }}
where
    _dlt_load_id in (select completed.load_id from completed)
    and type in ('track', 'page', 'screen')
