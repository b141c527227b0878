with newest as (
    {{ newest_dropped('success_plan_objectives', ['lower(d.account)', 'lower(d.objective)']) }}
)

select
    'files' as source,
    source_id,
    account as account_source_id,
    objective,
    status,
    owner,
    created_on,
    target_on,
    met_on,
    written_at
from newest
