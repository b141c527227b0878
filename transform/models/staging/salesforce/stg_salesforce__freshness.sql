{#- A record dated after as_of says nothing about age, so it is passed over. -#}
with changed as (
    {%- for table_name in ['accounts', 'contacts', 'opportunities', 'tasks', 'events'] %}
    select max({{ utc('system_modstamp') }}) as changed_at
    from {{ source('raw_salesforce', table_name) }}
    where {{ utc('system_modstamp') }} <= {{ as_of() }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

pulls as (
    select max({{ utc('pulled_through') }}) as pulled_at
    from {{ source('raw_salesforce', 'pulls') }}
    where {{ utc('pulled_through') }} <= {{ as_of() }}
)

select
    'salesforce' as source,
    'crm' as kind,
    max(changed.changed_at) as newest_record_at,
    max(pulls.pulled_at) as pulled_at
from changed
cross join pulls
