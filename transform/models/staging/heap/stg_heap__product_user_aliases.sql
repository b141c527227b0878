{#-
    The vendor's ids that turned out to be another one, and those that the app has given a name of
    its own. A name that looks like one of the vendor's ids would lead astray and names nobody.
-#}
with users as (
    select
        user_id,
        {{ clean('identity') }} as identity
    from {{ source('raw_heap', 'users') }}
),

migrations as (
    select
        from_user_id,
        to_user_id,
        {{ utc('time') }} as merged_at
    from {{ source('raw_heap', 'user_migrations') }}
    where from_user_id <> to_user_id
),

vendor_ids as (
    select user_id from users
    union
    select from_user_id as user_id from migrations
    union
    select to_user_id as user_id from migrations
)

select
    'heap' as source,
    from_user_id as merged_user_key,
    to_user_id as user_key,
    merged_at
from migrations
union all
select
    'heap' as source,
    users.user_id as merged_user_key,
    users.identity as user_key,
    cast(null as {{ dbt.type_timestamp() }}) as merged_at
from users
left join migrations on users.user_id = migrations.from_user_id
left join vendor_ids on users.identity = vendor_ids.user_id
where users.identity is not null and migrations.from_user_id is null and vendor_ids.user_id is null
