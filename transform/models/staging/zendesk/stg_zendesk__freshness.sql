{#- A record dated after as_of says nothing about age, so it is passed over. -#}
{%- set stamps = {
    'tickets': 'generated_at', 'users': 'updated_at', 'organizations': 'updated_at',
    'satisfaction_ratings': 'updated_at', 'ticket_metric_events': 'time',
} -%}
with changed as (
    {%- for table_name, stamp in stamps.items() %}
    select max({{ utc(stamp) }}) as changed_at
    from {{ source('raw_zendesk', table_name) }}
    where {{ utc(stamp) }} <= {{ as_of() }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

pulls as (
    select max({{ utc('pulled_through') }}) as pulled_at
    from {{ source('raw_zendesk', 'pulls') }}
    where {{ utc('pulled_through') }} <= {{ as_of() }}
)

select
    'zendesk' as source,
    'support' as kind,
    max(changed.changed_at) as newest_record_at,
    max(pulls.pulled_at) as pulled_at
from changed
cross join pulls
