{#- A row that names both an account and a person counts by whichever of them is found. -#}
with unmatched as (
    {%- for entity in referring_entities() %}
    select
        '{{ entity }}' as entity,
        records.source,
        records.source_id,
        {%- if entity in referring_by_person() %}
        coalesce(records.account_source_id, records.contact_email) as reference
        {%- else %}
        records.account_source_id as reference
        {%- endif %}
    from {{ ref('int_' ~ entity) }} as records
    where
        records.account_id is null
        {%- if entity in referring_by_person() %}
        and (records.account_source_id is not null or records.contact_email is not null)
        {%- else %}
        and records.account_source_id is not null
        {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

named as (
    select * from {{ ref('int_account_references') }}
)

select
    unmatched.source,
    unmatched.entity,
    unmatched.reference,
    min(named.reason) as reason,
    min(named.candidates) as candidates,
    count(*) as records,
    min(unmatched.source_id) as example_source_id
from unmatched
left join named on unmatched.source = named.source and unmatched.reference = named.reference
group by unmatched.source, unmatched.entity, unmatched.reference
