with newest as (
    {{ newest_dropped(
        'community_activity', ['lower(d.account)', 'd.contact_email', 'd.type', 'd.occurred_at', 'd.title']
    ) }}
)

select
    'files' as source,
    source_id,
    account as account_source_id,
    contact_email,
    type,
    {{ utc('occurred_at') }} as occurred_at,
    title
from newest
