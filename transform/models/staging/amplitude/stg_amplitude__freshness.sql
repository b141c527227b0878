{#- An event dated after as_of is a clock fault or the future; either says nothing about age. -#}
with newest as (
    select max({{ utc('event_time') }}) as newest_record_at
    from {{ source('raw_amplitude', 'events') }}
    where {{ utc('event_time') }} <= {{ as_of() }}
),

pulls as (
    select max({{ utc('pulled_through') }}) as pulled_at
    from {{ source('raw_amplitude', 'pulls') }}
    where {{ utc('pulled_through') }} <= {{ as_of() }}
)

select
    'amplitude' as source,
    'product' as kind,
    newest.newest_record_at,
    pulls.pulled_at
from newest
cross join pulls
