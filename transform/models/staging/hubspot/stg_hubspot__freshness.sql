{#- A record dated after as_of says nothing about age, so it is passed over. -#}
with changed as (
    {%- for table_name in ['companies', 'contacts', 'deals', 'meetings', 'feedback_submissions'] %}
    select max({{ utc('updated_at') }}) as changed_at
    from {{ source('raw_hubspot', table_name) }}
    where {{ utc('updated_at') }} <= {{ as_of() }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

pulls as (
    select max({{ utc('pulled_through') }}) as pulled_at
    from {{ source('raw_hubspot', 'pulls') }}
    where {{ utc('pulled_through') }} <= {{ as_of() }}
)

select
    'hubspot' as source,
    'crm' as kind,
    max(changed.changed_at) as newest_record_at,
    max(pulls.pulled_at) as pulled_at
from changed
cross join pulls
