with newest as (
    {{ newest_dropped('exchange_rates', ['d.currency', 'd.valid_from']) }}
)

select
    'files' as source,
    source_id,
    currency,
    valid_from,
    {{ try_cast('usd_per_unit', 'unit_price') }} as usd_per_unit
from newest
