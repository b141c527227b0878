select
    'salesforce' as source,
    id as source_id,
    lower({{ clean('email') }}) as email,
    {{ normalise_domain(dbt.split_part('email', "'@'", 2)) }} as email_domain,
    {{ clean('first_name') }} as first_name,
    {{ clean('last_name') }} as last_name,
    {{ clean('title') }} as title,
    {{ clean('account_id') }} as account_source_id,
    {{ utc('created_date') }} as created_at,
    {{ utc('system_modstamp') }} as updated_at,
    coalesce(is_deleted, false) or {{ clean('master_record_id') }} is not null as is_deleted
from {{ source('raw_salesforce', 'contacts') }}
