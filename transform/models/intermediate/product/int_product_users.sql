{#- Known users, and users that only events tell of, each with the account their key leads to. -#}
with profiles as (
    select * from {{ ref('int_product_profiles') }}
),

seen as (
    select
        source,
        user_key,
        max(account_key) as account_key,
        min(first_at) as first_at,
        max(last_at) as last_at
    from {{ ref('int_product_user_daily') }}
    where user_key is not null
    group by source, user_key
),

users as (
    select
        coalesce(profiles.source, seen.source) as source,
        coalesce(profiles.user_key, seen.user_key) as user_key,
        coalesce(profiles.account_key, seen.account_key) as account_key,
        profiles.email,
        case
            when profiles.created_at is null or seen.first_at < profiles.created_at
                then coalesce(seen.first_at, profiles.created_at)
            else profiles.created_at
        end as created_at,
        case
            when profiles.last_seen_at is null or seen.last_at > profiles.last_seen_at
                then coalesce(seen.last_at, profiles.last_seen_at)
            else profiles.last_seen_at
        end as last_seen_at,
        profiles.user_key is not null as has_profile
    from profiles
    full outer join seen
        on profiles.source = seen.source and profiles.user_key = seen.user_key
),

links as (
    select source, source_id, account_id from {{ ref('int_account_links') }}
),

excluded as (
    select * from {{ ref('excluded_users') }}
),

left_out as (
    select distinct
        users.source,
        users.user_key
    from users
    inner join excluded
        on
            (excluded.match_on = 'user_key' and users.user_key = excluded.value)
            or (excluded.match_on = 'user_key_prefix' and users.user_key like excluded.value || '%')
            or (excluded.match_on = 'email_domain' and users.email like '%@' || excluded.value)
)

select
    users.*,
    links.account_id,
    left_out.user_key is not null as is_excluded
from users
left join links on users.source = links.source and users.account_key = links.source_id
left join left_out on users.source = left_out.source and users.user_key = left_out.user_key
where users.created_at is null or users.created_at <= {{ as_of() }}
