{#- The app's own id names a user; of several of the vendor's with one, the newest says more. -#}
with users as (
    select
        {{ clean('identity') }} as user_key,
        {{ clean('account_key') }} as account_key,
        lower({{ clean('email') }}) as email,
        {{ utc('joined_at') }} as created_at,
        {{ utc('last_modified_at') }} as updated_at,
        user_id
    from {{ source('raw_heap', 'users') }}
    where identity is not null
),

ranked as (
    select
        *,
        row_number() over (
            partition by user_key order by account_key is null, updated_at desc, user_id
        ) as place
    from users
)

select
    'heap' as source,
    user_key,
    max(case when place = 1 then account_key end) as account_key,
    coalesce(max(case when place = 1 then email end), max(email)) as email,
    min(created_at) as created_at,
    cast(null as {{ dbt.type_timestamp() }}) as last_seen_at
from ranked
where user_key is not null
group by user_key
