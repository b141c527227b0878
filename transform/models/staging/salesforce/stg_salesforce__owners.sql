select
    'salesforce' as source,
    id as source_id,
    {{ clean('name') }} as name,
    lower({{ clean('email') }}) as email,
    coalesce(is_active, false) as is_active
from {{ source('raw_salesforce', 'users') }}
