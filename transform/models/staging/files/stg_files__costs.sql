with newest as (
    {{ newest_dropped('costs', ['d.month', 'd.kind', 'd.currency']) }}
)

select
    'files' as source,
    source_id,
    month,
    kind,
    {{ try_cast('amount', 'money') }} as amount,
    currency
from newest
