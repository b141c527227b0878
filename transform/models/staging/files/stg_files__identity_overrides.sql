with newest as (
    {{ newest_dropped('identity_overrides', ['d.record_source', 'd.record_id', 'd.valid_from']) }}
)

select
    'files' as source,
    source_id,
    lower(record_source) as record_source,
    record_id,
    account as account_source_id,
    action,
    author,
    reason,
    valid_from,
    valid_to,
    written_at
from newest
