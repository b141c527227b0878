{#- The survivor's list holds every loser, earlier losers of a loser not always, and itself. -#}
with survivors as (
    select id, properties__hs_merged_object_ids as merged_ids
    from {{ source('raw_hubspot', 'companies') }}
    where properties__hs_merged_object_ids is not null
),

pairs as (
    {{ split_to_rows('survivors', ['id'], 'merged_ids', ';') }}
)

select distinct
    'hubspot' as source,
    id as survivor_source_id,
    part as merged_source_id
from pairs
where id <> part
