with newest as (
    {{ newest_dropped('tier_overrides', ['lower(d.account)', 'd.from_on']) }}
)

select
    'files' as source,
    source_id,
    account as account_source_id,
    touch_tier,
    author,
    reason,
    from_on,
    expires_on,
    written_at
from newest
