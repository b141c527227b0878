{#-
    Whose account an answer is about: that of the ticket it rates, else of the person who gave it
    (by id, then by e-mail address: people of the CRM before users of the product), else of the
    account that it names, else of the one account with the company domain of the address. What
    leads to several accounts leads to none.
-#}
with responses as (
    {{ union_entity('survey_responses') }}
),

versions as (
    select
        responses.*,
        row_number() over (
            partition by source, source_id
            order by case when updated_at is null then 1 else 0 end asc, updated_at desc, responded_at desc, score asc
        ) as version
    from responses
    where responded_at is null or responded_at <= {{ as_of() }}
),

newest as (
    select
        versions.*,
        {{ normalise_domain(dbt.split_part('respondent_email', "'@'", 2)) }} as respondent_domain
    from versions
    where version = 1
),

tickets as (
    select source, source_id, account_id from {{ ref('int_ticket_records') }}
    where account_id is not null
),

records as (
    select source, source_id, product_id, is_deleted, account_id from {{ ref('int_accounts') }}
),

sources_with_accounts as (
    select distinct source from records
),

accounts as (
    select * from records
    where account_id is not null
),

contacts as (
    select * from {{ ref('int_contacts') }}
    where account_id is not null
),

users as (
    select * from {{ ref('int_product_users') }}
    where account_id is not null and not is_excluded
),

master as (
    select * from {{ ref('int_account_master') }}
),

by_contact as (
    select source, source_id, min(account_id) as account_id
    from contacts
    group by source, source_id
    having count(distinct account_id) = 1
),

by_contact_email as (
    select email, min(account_id) as account_id
    from contacts
    where not is_deleted
    group by email
    having count(distinct account_id) = 1
),

by_user_email as (
    select lower(trim(email)) as email, min(account_id) as account_id
    from users
    group by lower(trim(email))
    having count(distinct account_id) = 1
),

by_own_account as (
    select source, source_id, min(account_id) as account_id
    from accounts
    group by source, source_id
    having count(distinct account_id) = 1
),

keys as (
    select lower(source_id) as account_key, account_id from accounts
    union all
    select lower(product_id) as account_key, account_id from accounts
    where not is_deleted
),

by_key as (
    {#- A survey tool has no accounts of its own: it names them by the id of another system. -#}
    select account_key, min(account_id) as account_id
    from keys
    group by account_key
    having count(distinct account_id) = 1
),

by_domain as (
    select domain, min(account_id) as account_id
    from master
    where domain is not null and not is_deleted
    group by domain
    having count(distinct account_id) = 1
),

buckets as (
    select * from {{ ref('survey_buckets') }}
),

found as (
    select
        newest.*,
        tickets.account_id as ticket_account_id,
        by_contact.account_id as contact_account_id,
        coalesce(by_contact_email.account_id, by_user_email.account_id) as email_account_id,
        coalesce(by_own_account.account_id, by_key.account_id) as named_account_id,
        by_domain.account_id as domain_account_id,
        coalesce(newest.score between newest.scale_min and newest.scale_max, false) as is_on_scale
    from newest
    left join tickets
        on newest.source = tickets.source and newest.ticket_source_id = tickets.source_id
    left join by_contact
        on newest.source = by_contact.source and newest.respondent_source_id = by_contact.source_id
    left join by_contact_email on newest.respondent_email = by_contact_email.email
    left join by_user_email on newest.respondent_email = by_user_email.email
    left join by_own_account
        on
            newest.source = by_own_account.source
            and newest.account_source_id = by_own_account.source_id
    left join sources_with_accounts on newest.source = sources_with_accounts.source
    left join by_key
        on
            lower(newest.account_source_id) = by_key.account_key
            and sources_with_accounts.source is null
    left join by_domain on newest.respondent_domain = by_domain.domain
)

select
    found.source,
    found.source_id,
    found.instrument,
    found.score,
    found.scale_min,
    found.scale_max,
    case
        when found.is_on_scale
            then
                cast(
                    100 * (found.score - found.scale_min) / (found.scale_max - found.scale_min)
                    as {{ sql_type('ratio') }}
                )
    end as score_0_100,
    buckets.bucket,
    coalesce(
        found.ticket_account_id,
        found.contact_account_id,
        found.email_account_id,
        found.named_account_id,
        found.domain_account_id
    ) as account_id,
    case
        when found.ticket_account_id is not null then 'ticket'
        when found.contact_account_id is not null then 'contact'
        when found.email_account_id is not null then 'email'
        when found.named_account_id is not null then 'account'
        when found.domain_account_id is not null then 'domain'
    end as matched_by,
    found.respondent_source_id,
    found.respondent_email,
    found.account_source_id,
    found.ticket_source_id,
    found.responded_at,
    found.updated_at,
    coalesce(found.is_deleted, false) as is_deleted
from found
left join buckets
    on
        found.instrument = buckets.instrument
        and found.scale_min = buckets.scale_min
        and found.scale_max = buckets.scale_max
        and found.is_on_scale
        and floor(found.score) between buckets.score_from and buckets.score_to
