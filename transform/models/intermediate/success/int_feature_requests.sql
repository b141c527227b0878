{#- What was shipped after as_of was still asked for then. -#}
with requests as (
    {{ entity_with_named_account('feature_requests', 'records.requested_on <= ' ~ as_of_day(), ['request_id']) }}
)

select
    source,
    source_id,
    request_id,
    title,
    account_source_id,
    account_id,
    case when shipped_on > {{ as_of_day() }} then 'open' else status end as status,
    coalesce(votes, 1) as votes,
    requested_on,
    case when shipped_on <= {{ as_of_day() }} then shipped_on end as shipped_on,
    case when shipped_on > {{ as_of_day() }} then null else release end as release
from requests
