with newest as (
    {{ newest_dropped('kpi_targets', ['lower(d.metric)', "coalesce(lower(d.segment), 'all')", 'd.month']) }}
)

select
    'files' as source,
    source_id,
    lower(metric) as metric,
    lower(coalesce(segment, 'all')) as segment,
    month,
    {{ try_cast('target', 'ratio') }} as target
from newest
