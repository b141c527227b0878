{#-
    A conversation that the vendor's own side began and that nobody answered is a message sent, not
    a request for help, so it is no ticket.
-#}
with conversations as (
    select
        *,
        lower(author_type) in ('user', 'lead', 'contact') as is_from_contact
    from {{ source('raw_intercom', 'conversations') }}
),

deleted as (
    select id from {{ source('raw_intercom', 'deleted_conversations') }}
),

first_contact as (
    select
        conversation_id,
        min(contact_id) as contact_id
    from {{ source('raw_intercom', 'conversation_contacts') }}
    where removed is not true
    group by conversation_id
),

requests as (
    select
        conversations.*,
        case
            when conversations.is_from_contact then conversations.author_id
            else first_contact.contact_id
        end as contact_id
    from conversations
    left join first_contact on conversations.id = first_contact.conversation_id
    where
        conversations.source__delivered_as is null
        or conversations.source__delivered_as = 'customer_initiated'
        or conversations.statistics__first_contact_reply_at is not null
),

survivors as (
    select * from {{ ref('stg_intercom__contact_survivors') }}
)

select
    'intercom' as source,
    requests.id as source_id,
    coalesce(requests.company_id, survivors.account_source_id) as account_source_id,
    coalesce(survivors.survivor_id, requests.contact_id) as requester_source_id,
    coalesce(
        survivors.email,
        case when requests.is_from_contact then lower({{ clean('requests.author_email') }}) end
    ) as requester_email,
    case lower(requests.source__type)
        when 'conversation' then 'chat'
        when 'phone_call' then 'phone'
        when 'phone_switch' then 'phone'
        else lower({{ clean('requests.source__type') }})
    end as channel,
    cast(null as {{ dbt.type_string() }}) as type,
    case lower(requests.state)
        when 'open' then 'open'
        when 'snoozed' then 'waiting'
        when 'closed' then 'solved'
        else case when requests.open then 'open' when not requests.open then 'solved' end
    end as status,
    {#- not_priority says that nobody marked it. Newer versions name five levels and call that none. -#}
    case lower(requests.priority)
        when 'priority' then 'high'
        when 'medium' then 'normal'
        when 'low' then 'low'
        when 'high' then 'high'
        when 'urgent' then 'urgent'
    end as priority,
    {{ utc('requests.created_at') }} as created_at,
    {{ utc('requests.updated_at') }} as updated_at,
    {{ utc('requests.statistics__first_admin_reply_at') }} as first_reply_at,
    case
        when lower(requests.state) = 'closed' or (requests.state is null and not requests.open)
            then {{ utc('coalesce(requests.statistics__last_close_at, requests.statistics__first_close_at)') }}
    end as solved_at,
    coalesce(requests.statistics__count_reopens, 0) as reopened_count,
    deleted.id is not null as is_deleted
from requests
left join survivors on requests.contact_id = survivors.id
left join deleted on requests.id = deleted.id
