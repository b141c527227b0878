{#-
    What a record can be found by (offered) and looks for others by (sought). Deleted records are
    still placed, but nothing is found through them.
-#}
with records as (
    select * from {{ ref('int_account_records') }}
),

people as (
    select * from {{ ref('int_account_people') }}
),

keys as (
    select source, source_id, 'crm_id' as key_type, lower(crm_id) as key_value, true as is_sought, false as is_offered
    from records
    union all
    select
        source,
        source_id,
        'billing_id' as key_type,
        lower(case when kind = 'billing' then source_id else billing_id end) as key_value,
        kind = 'billing' as is_sought,
        kind <> 'billing' as is_offered
    from records
    union all
    select
        source,
        source_id,
        'product_id' as key_type,
        lower(product_id) as key_value,
        true as is_sought,
        true as is_offered
    from records
    union all
    select source, source_id, 'email' as key_type, email as key_value, true as is_sought, true as is_offered
    from people
    union all
    select source, source_id, 'domain' as key_type, match_domain as key_value, true as is_sought, true as is_offered
    from records
)

select
    keys.source,
    keys.source_id,
    keys.key_type,
    keys.key_value,
    keys.is_sought,
    keys.is_offered and not records.is_deleted as is_offered
from keys
inner join records on keys.source = records.source and keys.source_id = records.source_id
where keys.key_value is not null
