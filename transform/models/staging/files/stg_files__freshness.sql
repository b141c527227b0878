{#- A file written after as_of says nothing about age, so it is passed over. -#}
with files as (
    select max({{ utc('modified_at') }}) as newest_record_at
    from {{ source('raw_files', 'dropped_files') }}
    where removed_at is null and {{ utc('modified_at') }} <= {{ as_of() }}
),

pulls as (
    select max({{ utc('pulled_through') }}) as pulled_at
    from {{ source('raw_files', 'pulls') }}
    where {{ utc('pulled_through') }} <= {{ as_of() }}
)

select
    'files' as source,
    'files' as kind,
    files.newest_record_at,
    pulls.pulled_at
from files
cross join pulls
