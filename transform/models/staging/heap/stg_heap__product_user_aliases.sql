{#- The vendor's ids that turned out to be another one, and those that the app has a name for. -#}
with migrations as (
    select
        from_user_id,
        to_user_id,
        {{ utc('time') }} as merged_at
    from {{ source('raw_heap', 'user_migrations') }}
    where from_user_id <> to_user_id
),

identities as (
    select
        user_id,
        user_key
    from {{ ref('stg_heap__identities') }}
    where user_key <> user_id
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
    identities.user_id as merged_user_key,
    identities.user_key,
    cast(null as {{ dbt.type_timestamp() }}) as merged_at
from identities
left join migrations on identities.user_id = migrations.from_user_id
where migrations.from_user_id is null
