{#-
    Records that have nothing but a name to be found by: none of their keys leads to a record of a
    kind before theirs.
-#}
with records as (
    select
        *,
        case
            when is_anchor then 1
            when kind = 'crm' then 2
            when kind = 'billing' then 3
            when kind = 'product' then 4
            else 5
        end as place
    from {{ ref('int_account_records') }}
),

keys as (
    select * from {{ ref('int_account_keys') }}
),

survivors as (
    select * from {{ ref('int_account_survivors') }}
),

offered as (
    select
        keys.key_type,
        keys.key_value,
        records.place
    from keys
    inner join records on keys.source = records.source and keys.source_id = records.source_id
    where keys.is_offered
    union all
    select 'crm_id' as key_type, lower(source_id) as key_value, place from records
    where kind = 'crm'
    union all
    select 'crm_id' as key_type, lower(source_id) as key_value, 1 as place from survivors
),

first_places as (
    select key_type, key_value, min(place) as place from offered
    group by key_type, key_value
),

with_key as (
    select distinct records.source, records.source_id
    from records
    inner join keys on records.source = keys.source and records.source_id = keys.source_id and keys.is_sought
    inner join first_places on keys.key_type = first_places.key_type and keys.key_value = first_places.key_value
    where first_places.place < records.place
)

select
    records.source,
    records.source_id,
    records.name,
    records.country,
    records.match_domain,
    records.place
from records
left join with_key on records.source = with_key.source and records.source_id = with_key.source_id
where
    with_key.source_id is null
    and records.place > 1
    and records.name is not null
    and records.source_id = records.survivor_source_id
