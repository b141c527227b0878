{#- What was met after as_of was still open then. -#}
with objectives as (
    {{ entity_with_named_account('objectives', 'records.created_on <= ' ~ as_of_day(), ['lower(objective)']) }}
)

select
    source,
    source_id,
    account_source_id,
    account_id,
    objective,
    case when met_on > {{ as_of_day() }} then 'active' else status end as status,
    owner,
    created_on,
    target_on,
    case when met_on <= {{ as_of_day() }} then met_on end as met_on
from objectives
