with newest as (
    {{ newest_dropped('score_overrides', ['lower(d.account)', 'd.kind', 'd.from_on']) }}
)

select
    'files' as source,
    source_id,
    account as account_source_id,
    kind,
    case when kind = 'cap' then {{ try_cast('value', 'ratio') }} end as score_cap,
    case when kind = 'band' then lower(value) end as band,
    author,
    reason,
    from_on,
    expires_on,
    written_at
from newest
