{#- A person may change a rating; when it was first given is what places it in time. -#}
with ratings as (
    select
        *,
        lower(score) as verdict
    from {{ source('raw_zendesk', 'satisfaction_ratings') }}
),

tickets as (
    select id, organization_id, status from {{ source('raw_zendesk', 'tickets') }}
),

users as (
    select id, email, organization_id from {{ source('raw_zendesk', 'users') }}
)

select
    'zendesk' as source,
    ratings.id as source_id,
    'csat' as instrument,
    case when ratings.verdict like 'good%' then 1 else 0 end as score,
    0 as scale_min,
    1 as scale_max,
    ratings.requester_id as respondent_source_id,
    lower({{ clean('users.email') }}) as respondent_email,
    coalesce(tickets.organization_id, users.organization_id) as account_source_id,
    ratings.ticket_id as ticket_source_id,
    {{ utc('ratings.created_at') }} as responded_at,
    {{ utc('ratings.updated_at') }} as updated_at,
    coalesce(ratings.deleted, false) or coalesce(tickets.status = 'deleted', false) as is_deleted
from ratings
left join tickets on ratings.ticket_id = tickets.id
left join users on ratings.requester_id = users.id
where ratings.verdict like 'good%' or ratings.verdict like 'bad%'
