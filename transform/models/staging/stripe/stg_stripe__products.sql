select
    'stripe' as source,
    id as source_id,
    {{ clean('name') }} as name,
    coalesce(active, false) as is_active,
    coalesce({{ text_to_boolean(json_text('metadata', 'seats')) }}, false) as is_seat_based,
    {{ clean(json_text('metadata', 'features')) }} as features
from {{ source('raw_stripe', 'products') }}
