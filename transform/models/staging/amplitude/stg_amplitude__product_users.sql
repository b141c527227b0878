{#- The export has no list of users: each event carries what was known of its user at that time. -#}
with completed as (
    select load_id from {{ source('raw_amplitude', '_dlt_loads') }}
    where status = 0
),

events as (
    select
        uuid,
        {{ clean('user_id') }} as user_key,
        {{ clean('group_key') }} as account_key,
        lower({{ clean('email') }}) as email,
        {{ utc('event_time') }} as occurred_at,
        {{ utc('server_upload_time') }} as received_at
    from {{ source('raw_amplitude', 'events') }}
    where _dlt_load_id in (select completed.load_id from completed)
),

users as (
    select
        user_key,
        min(case when occurred_at >= cast('{{ var("history_start") }}' as date) then occurred_at end) as created_at,
        max(case when occurred_at <= {{ as_of() }} then occurred_at end) as last_seen_at,
        max(case when email is not null then received_at end) as email_at,
        max(case when account_key is not null then received_at end) as account_at
    from events
    where user_key is not null
    group by user_key
),

emails as (
    {#- Of several events received at once the largest value, so that the choice does not change. -#}
    select
        events.user_key,
        max(events.email) as email
    from events
    inner join users on events.user_key = users.user_key and events.received_at = users.email_at
    group by events.user_key
),

accounts as (
    select
        events.user_key,
        max(events.account_key) as account_key
    from events
    inner join users on events.user_key = users.user_key and events.received_at = users.account_at
    group by events.user_key
)

select
    'amplitude' as source,
    users.user_key,
    accounts.account_key,
    emails.email,
    users.created_at,
    users.last_seen_at
from users
left join emails on users.user_key = emails.user_key
left join accounts on users.user_key = accounts.user_key
