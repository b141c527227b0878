{#-
    An alias call says that one id is another user. An identify call says whose device it is, which
    holds only while no call shows anybody else on it: on a shared device nobody is guessed.
-#}
with completed as (
    select load_id from {{ source('raw_segment', '_dlt_loads') }}
    where status = 0
),

calls as (
    select
        type,
        {{ clean('previous_id') }} as previous_key,
        {{ clean('anonymous_id') }} as device_key,
        {{ clean('user_id') }} as user_key,
        {{ utc('occurred_at') }} as occurred_at
    from {{ source('raw_segment', 'calls') }}
    where
        _dlt_load_id in (select completed.load_id from completed)
        and {{ utc('occurred_at') }} <= {{ as_of() }}
),

aliases as (
    select
        previous_key as merged_user_key,
        user_key,
        occurred_at as merged_at,
        row_number() over (partition by previous_key order by occurred_at desc, user_key desc) as place
    from calls
    where type = 'alias' and previous_key <> user_key
),

devices as (
    select
        device_key as merged_user_key,
        min(user_key) as user_key,
        min(case when type = 'identify' then occurred_at end) as merged_at
    from calls
    where device_key is not null and user_key is not null
    group by device_key
    having count(distinct user_key) = 1 and max(case when type = 'identify' then 1 else 0 end) = 1
)

select
    'segment' as source,
    merged_user_key,
    user_key,
    merged_at
from aliases
where place = 1
union all
select
    'segment' as source,
    merged_user_key,
    user_key,
    merged_at
from devices
where merged_user_key <> user_key and merged_user_key not in (select aliases.merged_user_key from aliases)
