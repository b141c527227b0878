select
    'hubspot' as source,
    id as source_id,
    {{ clean("coalesce(first_name, '') || ' ' || coalesce(last_name, '')") }} as name,
    lower({{ clean('email') }}) as email,
    not coalesce(archived, false) as is_active
from {{ source('raw_hubspot', 'owners') }}
