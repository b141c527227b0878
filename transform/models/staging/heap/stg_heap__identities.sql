{#-
    What stands for each user whom the app has identified: the name that the app gave. A name that
    is also one of the vendor's ids would lead to somebody else, so that the vendor's own id stands.
-#}
with users as (
    select
        user_id,
        {{ clean('identity') }} as identity,
        {{ clean('account_key') }} as account_key,
        lower({{ clean('email') }}) as email,
        {{ utc('joined_at') }} as created_at,
        {{ utc('last_modified_at') }} as updated_at
    from {{ source('raw_heap', 'users') }}
),

vendor_ids as (
    select user_id from users
    union
    select from_user_id as user_id from {{ source('raw_heap', 'user_migrations') }}
    union
    select to_user_id as user_id from {{ source('raw_heap', 'user_migrations') }}
)

select
    users.user_id,
    case when vendor_ids.user_id is null then users.identity else users.user_id end as user_key,
    users.account_key,
    users.email,
    users.created_at,
    users.updated_at
from users
left join vendor_ids on users.identity = vendor_ids.user_id
where users.identity is not null
