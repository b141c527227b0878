{#- The logs have no list of users: each call carries what its sender knew of the user. -#}
with completed as (
    select load_id from {{ source('raw_segment', '_dlt_loads') }}
    where status = 0
),

calls as (
    select
        {{ clean('user_id') }} as user_key,
        {{ clean('group_id') }} as account_key,
        lower({{ clean('email') }}) as email,
        {{ utc('occurred_at') }} as occurred_at
    from {{ source('raw_segment', 'calls') }}
    where _dlt_load_id in (select completed.load_id from completed)
),

users as (
    select
        user_key,
        min(case when occurred_at >= cast('{{ var("history_start") }}' as date) then occurred_at end) as created_at,
        max(case when occurred_at <= {{ as_of() }} then occurred_at end) as last_seen_at,
        max(case when email is not null then occurred_at end) as email_at,
        max(case when account_key is not null then occurred_at end) as account_at
    from calls
    where user_key is not null
    group by user_key
),

emails as (
    {#- Of several calls at once the largest value, so that the choice does not change. -#}
    select
        calls.user_key,
        max(calls.email) as email
    from calls
    inner join users on calls.user_key = users.user_key and calls.occurred_at = users.email_at
    group by calls.user_key
),

accounts as (
    select
        calls.user_key,
        max(calls.account_key) as account_key
    from calls
    inner join users on calls.user_key = users.user_key and calls.occurred_at = users.account_at
    group by calls.user_key
)

select
    'segment' as source,
    users.user_key,
    accounts.account_key,
    emails.email,
    users.created_at,
    users.last_seen_at
from users
left join emails on users.user_key = emails.user_key
left join accounts on users.user_key = accounts.user_key
