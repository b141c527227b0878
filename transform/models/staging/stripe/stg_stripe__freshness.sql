{#- A record dated after as_of says nothing about age, so it is passed over. -#}
with changed as (
    {%- for table_name in ['customers', 'subscriptions', 'invoices', 'charges', 'events'] %}
    select max({{ from_epoch('created') }}) as changed_at
    from {{ source('raw_stripe', table_name) }}
    where {{ from_epoch('created') }} <= {{ as_of() }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

pulls as (
    select max({{ utc('pulled_through') }}) as pulled_at
    from {{ source('raw_stripe', 'pulls') }}
    where {{ utc('pulled_through') }} <= {{ as_of() }}
)

select
    'stripe' as source,
    'billing' as kind,
    max(changed.changed_at) as newest_record_at,
    max(pulls.pulled_at) as pulled_at
from changed
cross join pulls
