with newest as (
    {{ newest_dropped('feature_requests', ['lower(d.request_id)', 'lower(d.account)']) }}
)

select
    'files' as source,
    source_id,
    request_id,
    title,
    account as account_source_id,
    status,
    votes,
    requested_on,
    shipped_on,
    release,
    written_at
from newest
