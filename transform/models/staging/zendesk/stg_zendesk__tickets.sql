{#-
    A ticket does not say when it was answered and solved; its clocks do. The clock of the requester
    runs from the ticket's creation, or its reopening, until it is solved: how often it was started
    anew is how often the ticket was reopened. A ticket closed without having been solved has no
    such moment.
-#}
with tickets as (
    select
        *,
        lower(status) as vendor_status
    from {{ source('raw_zendesk', 'tickets') }}
),

users as (
    select id, email from {{ source('raw_zendesk', 'users') }}
),

clocks as (
    select
        ticket_id,
        min(case when metric = 'reply_time' and type = 'fulfill' then {{ utc('time') }} end) as first_reply_at,
        max(case when metric = 'requester_wait_time' and type = 'fulfill' then {{ utc('time') }} end) as solved_at,
        max(case when metric = 'requester_wait_time' and type = 'activate' then instance_id end) as rounds
    from {{ source('raw_zendesk', 'ticket_metric_events') }}
    group by ticket_id
)

select
    'zendesk' as source,
    tickets.id as source_id,
    tickets.organization_id as account_source_id,
    tickets.requester_id as requester_source_id,
    lower({{ clean('users.email') }}) as requester_email,
    lower({{ clean('tickets.channel') }}) as channel,
    lower({{ clean('tickets.type') }}) as type,
    {#- Held for a third party is waiting as well. -#}
    case
        when tickets.vendor_status in ('new', 'open') then 'open'
        when tickets.vendor_status in ('pending', 'hold') then 'waiting'
        when tickets.vendor_status in ('solved', 'closed') then 'solved'
    end as status,
    case when lower(tickets.priority) in ('low', 'normal', 'high', 'urgent') then lower(tickets.priority) end
        as priority,
    {{ utc('tickets.created_at') }} as created_at,
    {{ utc('tickets.updated_at') }} as updated_at,
    clocks.first_reply_at,
    case when tickets.vendor_status in ('solved', 'closed') then clocks.solved_at end as solved_at,
    case when coalesce(clocks.rounds, 1) > 1 then clocks.rounds - 1 else 0 end as reopened_count,
    coalesce(tickets.vendor_status = 'deleted', false) as is_deleted
from tickets
left join users on tickets.requester_id = users.id
left join clocks on tickets.id = clocks.ticket_id
