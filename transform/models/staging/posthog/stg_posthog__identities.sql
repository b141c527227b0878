{#-
    A person has several distinct ids: what the app calls the user, and an id per browser from
    before signing in. The app's own stands for the person; the library makes UUIDs for the others.
    Persons who never signed in are nobody, and are left out.
-#}
with completed as (
    select load_id from {{ source('raw_posthog', '_dlt_loads') }}
    where status = 0
),

ids as (
    select
        person_id,
        distinct_id,
        lower({{ clean('email') }}) as email,
        {{ clean('account_key') }} as account_key,
        {{ utc('created_at') }} as created_at,
        {{ utc('inserted_at') }} as linked_at,
        version,
        distinct_id like '________-____-____-____-____________' as is_anonymous
    from {{ source('raw_posthog', 'persons') }}
    where not is_deleted and _dlt_load_id in (select completed.load_id from completed)
),

ranked as (
    select
        *,
        first_value(distinct_id) over (
            partition by person_id order by is_anonymous, version, distinct_id
        ) as user_key,
        max(email) over (partition by person_id) as person_email,
        min(is_anonymous) over (partition by person_id) as is_nobody
    from ids
)

select
    person_id,
    distinct_id,
    user_key,
    person_email as email,
    account_key,
    created_at,
    linked_at
from ranked
where not is_nobody or person_email is not null
