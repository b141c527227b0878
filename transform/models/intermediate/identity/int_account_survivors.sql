{#-
    Where a merged record went, through every merge after it. Each pass doubles the distance, so
    five follow a chain of 32 merged. Ids that lead in a circle are left as records of their own, and
    so are those whose survivor came to be after as_of.
-#}
{%- set passes = 5 -%}
with merged as (
    {{ union_entity('account_merges') }}
),

accounts as (
    {{ union_entity('accounts') }}
),

pass_0 as (
    select
        merged.source,
        merged.merged_source_id as source_id,
        min(merged.survivor_source_id) as survivor_source_id
    from merged
    inner join accounts
        on merged.source = accounts.source and merged.survivor_source_id = accounts.source_id
    where
        merged.merged_source_id <> merged.survivor_source_id
        and (accounts.created_at is null or accounts.created_at <= {{ as_of() }})
    group by merged.source, merged.merged_source_id
),

{% for i in range(passes) -%}
pass_{{ i + 1 }} as (
    select
        step.source,
        step.source_id,
        coalesce(beyond.survivor_source_id, step.survivor_source_id) as survivor_source_id
    from pass_{{ i }} as step
    left join pass_{{ i }} as beyond
        on step.source = beyond.source and step.survivor_source_id = beyond.source_id
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
