{#- The vendor keeps no last visit of a person: events tell it. -#}
select
    'posthog' as source,
    user_key,
    max(account_key) as account_key,
    max(email) as email,
    min(created_at) as created_at,
    cast(null as {{ dbt.type_timestamp() }}) as last_seen_at
from {{ ref('stg_posthog__identities') }}
group by user_key
