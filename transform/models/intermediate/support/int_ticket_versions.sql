{#-
    A ticket that came after its source's first load was as first seen from its creation on: it was
    there and only pulled later. Of an older one nobody knows what it was before that load. Versions
    that were recorded after as_of are left out, and what they ended is open again.
-#}
with recorded as (
    select
        *,
        row_number() over (partition by source, source_id order by dbt_valid_from) as version_no,
        min(dbt_valid_from) over (partition by source) as first_load_at
    from {{ ref('snap_tickets') }}
    where dbt_valid_from <= {{ as_of() }}
)

select
    source,
    source_id,
    version_no,
    status,
    priority,
    is_deleted,
    case
        when version_no = 1 and created_at > first_load_at and created_at < dbt_valid_from then created_at
        else dbt_valid_from
    end as valid_from,
    case when dbt_valid_to <= {{ as_of() }} then dbt_valid_to end as valid_to
from recorded
