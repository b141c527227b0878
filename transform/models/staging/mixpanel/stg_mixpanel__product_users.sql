select
    'mixpanel' as source,
    distinct_id as user_key,
    {{ clean('group_key') }} as account_key,
    lower({{ clean('email') }}) as email,
    {{ utc('created_at') }} as created_at,
    {{ utc('last_seen_at') }} as last_seen_at
from {{ source('raw_mixpanel', 'profiles') }}
where distinct_id is not null and distinct_id not like '$device:%'
