with links as (
    select * from {{ ref('int_account_links') }}
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

people as (
    select
        source,
        source_id,
        'contact' as entity,
        account_source_id,
        'company_of_contact' as rule,
        created_at
    from contacts
    union all
    select
        source,
        user_key as source_id,
        'user' as entity,
        account_key as account_source_id,
        'account_of_user' as rule,
        created_at
    from users
)

select
    source,
    source_id,
    'account' as entity,
    kind,
    account_id,
    rule,
    evidence,
    confidence,
    linked_from as valid_from
from links
union all
select
    people.source,
    people.source_id,
    people.entity,
    links.kind,
    links.account_id,
    people.rule,
    'member of ' || people.account_source_id as evidence,
    links.confidence,
    case when links.linked_from > people.created_at then links.linked_from else people.created_at end
        as valid_from
from people
inner join links on people.source = links.source and people.account_source_id = links.source_id
