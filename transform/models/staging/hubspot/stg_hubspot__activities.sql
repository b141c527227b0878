{#- A meeting with people of two companies is contact with both: one row per meeting and company. -#}
with meetings as (
    select * from {{ source('raw_hubspot', 'meetings') }}
),

companies_of_meeting as (
    select distinct from_id as meeting_id, to_id as company_id
    from {{ source('raw_hubspot', 'assoc_meeting_company') }}
)

select
    'hubspot' as source,
    meetings.id || coalesce('/' || companies_of_meeting.company_id, '') as source_id,
    companies_of_meeting.company_id as account_source_id,
    'meeting' as type,
    coalesce(
        {{ iso_to_utc('meetings.properties__hs_meeting_start_time') }},
        {{ iso_to_utc('meetings.properties__hs_timestamp') }}
    ) as occurred_at,
    lower({{ clean('meetings.properties__hs_meeting_outcome') }}) as outcome,
    lower({{ clean('meetings.properties__hs_meeting_outcome') }}) = 'completed' as is_two_way,
    {{ clean('meetings.properties__hs_meeting_title') }} as title,
    {{ clean('meetings.properties__hubspot_owner_id') }} as owner_source_id,
    coalesce(meetings.archived, false) as is_deleted
from meetings
left join companies_of_meeting on meetings.id = companies_of_meeting.meeting_id
