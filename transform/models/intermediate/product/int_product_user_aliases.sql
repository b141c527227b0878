{#-
    Whom each further key of a user stands for, through every merge after it that was known at
    as_of. Each pass doubles the distance, so six follow a chain of 64. Keys that lead in a circle
    are left as users of their own.
-#}
{%- set passes = 6 -%}
with merged as (
    {{ union_entity('product_user_aliases') }}
),

pass_0 as (
    select
        source,
        merged_user_key,
        min(user_key) as user_key
    from (
        select
            merged.*,
            {#- A key that was merged again belongs to where it went last. -#}
            dense_rank() over (
                partition by source, merged_user_key
                order by coalesce(merged_at, cast('{{ var("history_start") }}' as {{ dbt.type_timestamp() }})) desc
            ) as place
        from merged
        where merged_user_key <> user_key and (merged_at is null or merged_at <= {{ as_of() }})
    ) as latest
    where place = 1
    group by source, merged_user_key
),

{% for i in range(passes) -%}
pass_{{ i + 1 }} as (
    select
        step.source,
        step.merged_user_key,
        coalesce(beyond.user_key, step.user_key) as user_key
    from pass_{{ i }} as step
    left join pass_{{ i }} as beyond
        on step.source = beyond.source and step.user_key = beyond.merged_user_key
),

{% endfor -%}

losers as (
    select source, merged_user_key from pass_0
)

select
    ends.source,
    ends.merged_user_key,
    ends.user_key
from pass_{{ passes }} as ends
left join losers on ends.source = losers.source and ends.user_key = losers.merged_user_key
where losers.merged_user_key is null
