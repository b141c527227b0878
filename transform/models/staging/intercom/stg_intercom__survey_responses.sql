{#-
    The rating of a conversation. It is there, empty, as soon as it was asked for: created_at is when
    that was, and only updated_at tells when somebody answered.
-#}
with rated as (
    select * from {{ source('raw_intercom', 'conversations') }}
    where conversation_rating__rating between 1 and 5
),

survivors as (
    select * from {{ ref('stg_intercom__contact_survivors') }}
),

deleted as (
    select id from {{ source('raw_intercom', 'deleted_conversations') }}
)

select
    'intercom' as source,
    rated.id as source_id,
    'csat' as instrument,
    rated.conversation_rating__rating as score,
    1 as scale_min,
    5 as scale_max,
    coalesce(survivors.survivor_id, rated.rated_by) as respondent_source_id,
    survivors.email as respondent_email,
    coalesce(rated.company_id, survivors.account_source_id) as account_source_id,
    rated.id as ticket_source_id,
    {{ utc('coalesce(rated.conversation_rating__updated_at, rated.conversation_rating__created_at)') }}
        as responded_at,
    {{ utc('coalesce(rated.conversation_rating__updated_at, rated.conversation_rating__created_at)') }}
        as updated_at,
    deleted.id is not null as is_deleted
from rated
left join survivors on rated.rated_by = survivors.id
left join deleted on rated.id = deleted.id
