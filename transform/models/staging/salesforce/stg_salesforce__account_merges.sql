{#- A merged account is deleted and points to the one that it became. -#}
select distinct
    'salesforce' as source,
    master_record_id as survivor_source_id,
    id as merged_source_id
from {{ source('raw_salesforce', 'accounts') }}
where {{ clean('master_record_id') }} is not null and master_record_id <> id
