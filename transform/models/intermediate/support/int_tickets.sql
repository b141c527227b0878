{#-
    Times count against the priority that held when they ended, not against today's. Before the
    first load no priority is recorded: the oldest one known stands in, and is_priority_recorded is
    false. A time that would be negative is a fault of some clock and unknown.
-#}
{%- set moments = {'first_reply': 'first_reply_at', 'resolution': 'solved_at'} -%}
with records as (
    select * from {{ ref('int_ticket_records') }}
),

versions as (
    select * from {{ ref('int_ticket_versions') }}
),

oldest as (
    select * from versions
    where version_no = 1
),

newest as (
    select * from versions
    where valid_to is null
),

tickets as (
    select
        records.source,
        records.source_id,
        records.account_id,
        records.account_rule,
        records.account_source_id,
        records.requester_source_id,
        records.requester_email,
        records.channel,
        records.type,
        coalesce(newest.status, records.status) as status,
        case when newest.source_id is null then records.priority else newest.priority end as priority,
        {%- for name, moment in moments.items() %}
        case
            when records.{{ moment }} is null then null
            when {{ name }}.source_id is not null then {{ name }}.priority
            when oldest.source_id is not null then oldest.priority
            else records.priority
        end as {{ name }}_priority,
        {%- endfor %}
        coalesce(records.first_reply_at, records.solved_at, {{ as_of() }}) >= oldest.valid_from
            as is_priority_recorded,
        records.created_at,
        records.updated_at,
        records.first_reply_at,
        records.solved_at,
        records.reopened_count,
        records.is_deleted
    from records
    left join oldest on records.source = oldest.source and records.source_id = oldest.source_id
    left join newest on records.source = newest.source and records.source_id = newest.source_id
    {%- for name, moment in moments.items() %}
    left join versions as {{ name }}
        on
            records.source = {{ name }}.source
            and records.source_id = {{ name }}.source_id
            and records.{{ moment }} >= {{ name }}.valid_from
            and ({{ name }}.valid_to is null or records.{{ moment }} < {{ name }}.valid_to)
    {%- endfor %}
)

select
    source,
    source_id,
    account_id,
    account_rule,
    account_source_id,
    requester_source_id,
    requester_email,
    channel,
    type,
    status,
    priority,
    first_reply_priority,
    resolution_priority,
    coalesce(is_priority_recorded, false) as is_priority_recorded,
    created_at,
    updated_at,
    first_reply_at,
    solved_at,
    case when first_reply_at >= created_at then {{ hours_between('created_at', 'first_reply_at') }} end
        as first_reply_hours,
    case when solved_at >= created_at then {{ hours_between('created_at', 'solved_at') }} end
        as resolution_hours,
    reopened_count,
    not is_deleted and status in ('open', 'waiting') as is_open,
    not is_deleted and status in ('open', 'waiting') and coalesce(priority = 'urgent', false) as is_open_urgent,
    is_deleted
from tickets
