{#- Of a person's address only the domain is shown. -#}
with unmatched as (
    select
        *,
        case
            when reference like '%@%' then '...@' || coalesce({{ normalise_domain('reference') }}, '?')
            else reference
        end as shown
    from {{ ref('int_unmatched_references') }}
)

select
    source,
    entity,
    cast(shown as {{ dbt.type_string() }}) as reference,
    reason,
    min(candidates) as candidates,
    cast(sum(records) as {{ dbt.type_bigint() }}) as records,
    min(example_source_id) as example_source_id
from unmatched
group by source, entity, shown, reason
