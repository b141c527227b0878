with newest as (
    {{ newest_dropped('csm_sentiment', ['lower(d.account)', 'd.given_on', 'lower(d.author)']) }}
)

select
    'files' as source,
    source_id,
    account as account_source_id,
    sentiment,
    author,
    given_on,
    reason,
    expires_on,
    written_at
from newest
