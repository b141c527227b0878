select
    'zendesk' as source,
    id as source_id,
    {{ clean('name') }} as name,
    lower({{ clean('email') }}) as email,
    active is not false and suspended is not true as is_active
from {{ source('raw_zendesk', 'users') }}
where role in ('agent', 'admin')
