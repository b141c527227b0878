select
    'intercom' as source,
    id as source_id,
    {{ clean('name') }} as name,
    lower({{ clean('email') }}) as email,
    deleted is not true as is_active
from {{ source('raw_intercom', 'admins') }}
