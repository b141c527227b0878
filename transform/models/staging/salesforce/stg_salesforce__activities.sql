{#-
    An appointment has no outcome: one that is called off is deleted, so that those that stand were
    held. A call was two-way when somebody talked. The copies of an appointment that its guests
    have, and the pattern behind a series, are not activities of their own.
-#}
with appointments as (
    select
        id,
        account_id,
        what_id,
        who_id,
        'meeting' as type,
        coalesce({{ utc('start_date_time') }}, {{ iso_to_utc('activity_date') }}) as occurred_at,
        cast(null as {{ dbt.type_string() }}) as outcome,
        true as is_two_way,
        {{ clean('subject') }} as title,
        owner_id,
        coalesce(is_deleted, false) as is_deleted
    from {{ source('raw_salesforce', 'events') }}
    where not coalesce(is_child, false) and not coalesce(is_recurrence, false)
),

tasks as (
    select
        id,
        account_id,
        what_id,
        who_id,
        lower(coalesce(nullif({{ clean('task_subtype') }}, 'Task'), {{ clean('type') }}, 'task')) as type,
        coalesce({{ utc('completed_date_time') }}, {{ iso_to_utc('activity_date') }}) as occurred_at,
        lower(coalesce({{ clean('call_disposition') }}, {{ clean('status') }})) as outcome,
        case
            when not coalesce(is_closed, false) then false
            when lower(coalesce({{ clean('task_subtype') }}, {{ clean('type') }}, '')) = 'call'
                then call_duration_in_seconds > 0
            else false
        end as is_two_way,
        {{ clean('subject') }} as title,
        owner_id,
        coalesce(is_deleted, false) as is_deleted
    from {{ source('raw_salesforce', 'tasks') }}
    where not coalesce(is_recurrence, false)
),

activities as (
    select * from appointments
    union all
    select * from tasks
),

opportunities as (
    select id, account_id from {{ source('raw_salesforce', 'opportunities') }}
),

contacts as (
    select id, account_id from {{ source('raw_salesforce', 'contacts') }}
)

select
    'salesforce' as source,
    activities.id as source_id,
    {#- The vendor fills the account in itself, but for rows that were imported without it. -#}
    coalesce(
        {{ clean('activities.account_id') }},
        case when activities.what_id like '001%' then activities.what_id end,
        opportunities.account_id,
        contacts.account_id
    ) as account_source_id,
    activities.type,
    activities.occurred_at,
    activities.outcome,
    activities.is_two_way,
    activities.title,
    {{ clean('activities.owner_id') }} as owner_source_id,
    activities.is_deleted
from activities
left join opportunities on activities.what_id = opportunities.id
left join contacts on activities.who_id = contacts.id
