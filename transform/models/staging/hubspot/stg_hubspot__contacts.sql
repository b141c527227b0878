with contacts as (
    select * from {{ source('raw_hubspot', 'contacts') }}
),

merged as (
    {{ split_to_rows('contacts', ['id'], 'properties__hs_calculated_merged_vids', ';') }}
),

losers as (
    {#- The vendor writes "vid:time" as well as "vid", and lists the survivor in its own list. -#}
    select distinct {{ dbt.split_part('part', "':'", 1) }} as id
    from merged
    where {{ dbt.split_part('part', "':'", 1) }} <> id
),

companies_of_contact as (
    select
        to_id as contact_id,
        from_id as company_id,
        row_number() over (
            partition by to_id
            order by case when lower(label) = 'primary' then 0 else 1 end, length(from_id), from_id
        ) as choice
    from {{ source('raw_hubspot', 'assoc_company_contact') }}
)

select
    'hubspot' as source,
    contacts.id as source_id,
    lower({{ clean('contacts.properties__email') }}) as email,
    {{ normalise_domain(dbt.split_part('contacts.properties__email', "'@'", 2)) }} as email_domain,
    {{ clean('contacts.properties__firstname') }} as first_name,
    {{ clean('contacts.properties__lastname') }} as last_name,
    {{ clean('contacts.properties__jobtitle') }} as title,
    coalesce(
        {{ clean('contacts.properties__associatedcompanyid') }}, companies_of_contact.company_id
    ) as account_source_id,
    coalesce(
        {{ iso_to_utc('contacts.properties__createdate') }}, {{ utc('contacts.created_at') }}
    ) as created_at,
    coalesce(
        {{ iso_to_utc('contacts.properties__lastmodifieddate') }}, {{ utc('contacts.updated_at') }}
    ) as updated_at,
    coalesce(contacts.archived, false) or losers.id is not null as is_deleted
from contacts
left join losers on contacts.id = losers.id
left join companies_of_contact
    on contacts.id = companies_of_contact.contact_id and companies_of_contact.choice = 1
