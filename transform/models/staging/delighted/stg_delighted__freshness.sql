{#- A record dated after as_of says nothing about age, so it is passed over. -#}
with changed as (
    select max({{ utc('updated_at') }}) as changed_at
    from {{ source('raw_delighted', 'survey_responses') }}
    where {{ utc('updated_at') }} <= {{ as_of() }}
),

pulls as (
    select max({{ utc('pulled_through') }}) as pulled_at
    from {{ source('raw_delighted', 'pulls') }}
    where {{ utc('pulled_through') }} <= {{ as_of() }}
)

select
    'delighted' as source,
    'survey' as kind,
    max(changed.changed_at) as newest_record_at,
    max(pulls.pulled_at) as pulled_at
from changed
cross join pulls
