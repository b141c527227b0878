select
    'salesforce' as source,
    id as source_id,
    {{ clean('account_id') }} as account_source_id,
    {{ clean('name') }} as name,
    {{ try_cast('amount', 'money') }} as amount,
    upper({{ clean('currency_iso_code') }}) as currency,
    {{ clean('stage_name') }} as stage,
    coalesce(is_closed, false) as is_closed,
    coalesce(is_won, false) as is_won,
    {#- The choices are the organisation's own; the ones that it starts with begin like these. -#}
    case
        when lower({{ clean('type') }}) like 'new%' then 'new_business'
        when lower({{ clean('type') }}) like 'existing%' then 'existing_business'
        else lower({{ clean('type') }})
    end as type,
    cast({{ iso_to_utc('close_date') }} as date) as closed_on,
    {{ utc('created_date') }} as created_at,
    {{ utc('system_modstamp') }} as updated_at,
    {{ clean('owner_id') }} as owner_source_id,
    coalesce(is_deleted, false) as is_deleted
from {{ source('raw_salesforce', 'opportunities') }}
