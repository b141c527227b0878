{#-
    What was answered or solved after as_of had not been then, whatever the source says today.
    A ticket belongs to the account of its organisation, else of the person who asked: by that
    person's record, else by the address (people of the CRM before users of the product), else by
    the company domain of the address. What leads to several accounts leads to none.
-#}
with tickets as (
    {{ union_entity('tickets') }}
),

known as (
    select
        *,
        {{ normalise_domain(dbt.split_part('requester_email', "'@'", 2)) }} as requester_domain
    from tickets
    where created_at is null or created_at <= {{ as_of() }}
),

links as (
    select source, source_id, account_id from {{ ref('int_account_links') }}
    where account_id is not null
),

contacts as (
    select * from {{ ref('int_contacts') }}
    where account_id is not null
),

users as (
    select * from {{ ref('int_product_users') }}
    where account_id is not null
),

domains as (
    select domain, min(account_id) as account_id
    from {{ ref('int_account_master') }}
    where domain is not null and not is_deleted
    group by domain
    having count(*) = 1
),

by_contact_email as (
    select email, min(account_id) as account_id
    from contacts
    where email is not null and not is_deleted
    group by email
    having count(distinct account_id) = 1
),

by_user_email as (
    select lower(trim(email)) as email, min(account_id) as account_id
    from users
    where email is not null
    group by lower(trim(email))
    having count(distinct account_id) = 1
)

select
    known.source,
    known.source_id,
    known.account_source_id,
    known.requester_source_id,
    known.requester_email,
    known.channel,
    known.type,
    case when known.solved_at > {{ as_of() }} then 'open' else known.status end as status,
    known.priority,
    known.created_at,
    known.updated_at,
    case when known.first_reply_at <= {{ as_of() }} then known.first_reply_at end as first_reply_at,
    case when known.solved_at <= {{ as_of() }} then known.solved_at end as solved_at,
    known.reopened_count,
    known.is_deleted,
    coalesce(
        links.account_id,
        contacts.account_id,
        by_contact_email.account_id,
        by_user_email.account_id,
        domains.account_id
    ) as account_id,
    case
        when links.account_id is not null then 'organisation'
        when contacts.account_id is not null then 'requester'
        when by_contact_email.account_id is not null then 'contact_email'
        when by_user_email.account_id is not null then 'user_email'
        when domains.account_id is not null then 'domain'
    end as account_rule
from known
left join links on known.source = links.source and known.account_source_id = links.source_id
left join contacts
    on known.source = contacts.source and known.requester_source_id = contacts.source_id
left join by_contact_email on known.requester_email = by_contact_email.email
left join by_user_email on known.requester_email = by_user_email.email
left join domains on known.requester_domain = domains.domain
