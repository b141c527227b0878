{#- An event dated after as_of is a clock fault or the future; either says nothing about age. -#}
with newest as (
    select max({{ utc('time') }}) as newest_record_at
    from {{ source('raw_heap', 'events') }}
    where {{ utc('time') }} <= {{ as_of() }}
),

pulls as (
    select max({{ utc('pulled_through') }}) as pulled_at
    from {{ source('raw_heap', 'pulls') }}
    where {{ utc('pulled_through') }} <= {{ as_of() }}
)

select
    'heap' as source,
    'product' as kind,
    newest.newest_record_at,
    pulls.pulled_at
from newest
cross join pulls
