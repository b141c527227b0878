select
    'posthog' as source,
    distinct_id as merged_user_key,
    user_key,
    linked_at as merged_at
from {{ ref('stg_posthog__identities') }}
where distinct_id <> user_key
