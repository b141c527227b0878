with newest as (
    {{ newest_dropped('account_notes', ['lower(d.account)', 'd.noted_on', 'lower(d.author)', 'd.note']) }}
)

select
    'files' as source,
    source_id,
    account as account_source_id,
    coalesce(kind, 'note') as kind,
    noted_on,
    author,
    note
from newest
