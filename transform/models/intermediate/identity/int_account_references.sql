{#-
    What people write to name an account, and the account that it names. The best rank that finds
    any decides; it finds an account only when it is exactly one, and otherwise nobody guesses.
-#}
with written as (
    {%- for entity in referring_entities() %}
    select source, account_source_id as reference from ({{ union_entity(entity) }}) as {{ entity }}
    where account_source_id is not null
    union
    {%- endfor %}
    {%- for entity in referring_by_person() %}
    select source, contact_email as reference from ({{ union_entity(entity) }}) as {{ entity }}
    where contact_email is not null
    {{ 'union' if not loop.last }}
    {%- endfor %}
),

words as (
    select
        source,
        reference,
        lower(trim(reference)) as plain,
        {{ registrable_domain(normalise_domain('reference')) }} as domain
    from written
),

links as (
    select * from {{ ref('int_account_links') }}
    where account_id is not null
),

records as (
    select * from {{ ref('int_account_records') }}
),

contacts as (
    select lower(email) as email, account_id from {{ ref('int_contacts') }}
    where email is not null and account_id is not null and not is_deleted
),

users as (
    select lower(email) as email, account_id from {{ ref('int_product_users') }}
    where email is not null and account_id is not null
),

found as (
    select words.source, words.reference, 1 as rank, 'own_record' as rule, links.account_id
    from words
    inner join links on words.source = links.source and words.reference = links.source_id
    union
    select words.source, words.reference, 2 as rank, 'record_id' as rule, links.account_id
    from words
    inner join links on words.reference = links.source || ':' || links.source_id
    union
    select words.source, words.reference, 3 as rank, 'record_id' as rule, links.account_id
    from words
    inner join links on words.plain = lower(links.source || ':' || links.source_id)
    union
    select words.source, words.reference, 4 as rank, 'contact' as rule, contacts.account_id
    from words
    inner join contacts on words.plain = contacts.email
    union
    select words.source, words.reference, 5 as rank, 'product_user' as rule, users.account_id
    from words
    inner join users on words.plain = users.email
    union
    select words.source, words.reference, 6 as rank, 'domain' as rule, links.account_id
    from words
    inner join records on words.domain = records.match_domain
    inner join links on records.source = links.source and records.source_id = links.source_id
    where not records.is_deleted
    union
    select words.source, words.reference, 7 as rank, 'name' as rule, links.account_id
    from words
    inner join records on words.plain = lower(trim(records.name))
    inner join links on records.source = links.source and records.source_id = links.source_id
    where not records.is_deleted
),

best as (
    select source, reference, min(rank) as rank from found
    group by source, reference
),

decided as (
    select
        found.source,
        found.reference,
        count(*) as accounts,
        min(found.account_id) as account_id,
        min(found.rule) as rule,
        {{ dbt.listagg('found.account_id', "', '", 'order by found.account_id') }} as candidates
    from found
    inner join best
        on found.source = best.source and found.reference = best.reference and found.rank = best.rank
    group by found.source, found.reference
)

select
    words.source,
    words.reference,
    case when decided.accounts = 1 then decided.account_id end as account_id,
    case when decided.accounts = 1 then decided.rule end as rule,
    case when decided.accounts > 1 then decided.candidates end as candidates,
    case
        when decided.accounts = 1 then null
        when decided.accounts > 1 then 'ambiguous'
        else 'unknown'
    end as reason
from words
left join decided on words.source = decided.source and words.reference = decided.reference
