{#-
    An alias call says that one id is another user. An identify call says whose device it is, which
    holds only while nobody else signs in on it: on a shared device nobody is guessed.
-#}
with completed as (
    select load_id from {{ source('raw_segment', '_dlt_loads') }}
    where status = 0
),

edges as (
    select
        type,
        case type when 'alias' then {{ clean('previous_id') }} else {{ clean('anonymous_id') }} end as merged_user_key,
        {{ clean('user_id') }} as user_key,
        {{ utc('occurred_at') }} as merged_at
    from {{ source('raw_segment', 'calls') }}
    where
        _dlt_load_id in (select completed.load_id from completed)
        and type in ('alias', 'identify')
),

aliases as (
    select
        merged_user_key,
        user_key,
        merged_at,
        row_number() over (partition by merged_user_key order by merged_at desc, user_key) as place
    from edges
    where type = 'alias' and merged_user_key <> user_key
),

devices as (
    select
        merged_user_key,
        min(user_key) as user_key,
        min(merged_at) as merged_at
    from edges
    where type = 'identify' and merged_user_key <> user_key
    group by merged_user_key
    having count(distinct user_key) = 1
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
where merged_user_key not in (select aliases.merged_user_key from aliases)
