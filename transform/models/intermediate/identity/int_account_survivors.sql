{#-
    Where a merged record went, through every merge after it. Each pass doubles the distance, so
    five follow a chain of 32 merges. Ids that lead in a circle are left as records of their own.
-#}
{%- set passes = 5 -%}
with merges as (
    {{ union_entity('account_merges') }}
),

pass_0 as (
    select source, merged_source_id as source_id, min(survivor_source_id) as survivor_source_id
    from merges
    where merged_source_id <> survivor_source_id
    group by source, merged_source_id
),

{% for i in range(passes) -%}
pass_{{ i + 1 }} as (
    select
        near.source,
        near.source_id,
        coalesce(far.survivor_source_id, near.survivor_source_id) as survivor_source_id
    from pass_{{ i }} as near
    left join pass_{{ i }} as far
        on near.source = far.source and near.survivor_source_id = far.source_id
),

{% endfor -%}

losers as (
    select source, source_id from pass_0
)

select
    ends.source,
    ends.source_id,
    ends.survivor_source_id
from pass_{{ passes }} as ends
left join losers on ends.source = losers.source and ends.survivor_source_id = losers.source_id
where losers.source_id is null
