{#-
    Links some records to accounts: a whole query, for a CTE of a links model.

    `which` is a condition on int_account_records that picks them. `owners` are the links models of the kinds before it, whose accounts can be found. A record's
    keys (explicit ids, then its company domain) are looked up among the owners' keys by the
    ranked rules of seed identity_rules. The best rank that finds anything decides: one account
    is a link, several are recorded as candidates and never guessed between. What finds none is an
    account of its own if it is among `carriers` (a CTE of source, source_id with revenue or use),
    together with others among them that carry the same explicit product id.
    Nothing depends on the order of rows.
-#}
{% macro match_accounts(which, owners, carriers) -%}
with all_records as (
    select * from {{ ref('int_account_records') }}
),

records as (
    select * from all_records
    where {{ which }}
),

rules as (
    select * from {{ ref('identity_rules') }}
    where rank > 0
),

owner_links as (
    {%- for model in owners %}
    select source, source_id, kind, account_id, linked_from from {{ ref(model) }}
    where account_id is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

owner_keys as (
    {#- Merged ids have no record any more but still stand in other systems. -#}
    select kind as owner_kind, account_id, linked_from, 'crm_id' as key_type, lower(source_id) as key_value
    from owner_links
    where kind = 'crm'
    union all
    select l.kind as owner_kind, l.account_id, l.linked_from, 'product_id' as key_type, lower(r.product_id) as key_value
    from owner_links as l
    inner join all_records as r on l.source = r.source and l.source_id = r.source_id
    where r.product_id is not null and not r.is_deleted
    union all
    select l.kind as owner_kind, l.account_id, l.linked_from, 'domain' as key_type, r.match_domain as key_value
    from owner_links as l
    inner join all_records as r on l.source = r.source and l.source_id = r.source_id
    where r.match_domain is not null and not r.is_free_mail and not r.is_deleted
),

record_keys as (
    select source, source_id, created_at, 'crm_id' as key_type, lower(crm_id) as key_value from records
    where crm_id is not null
    union all
    select source, source_id, created_at, 'product_id' as key_type, lower(product_id) as key_value from records
    where product_id is not null
    union all
    select source, source_id, created_at, 'domain' as key_type, match_domain as key_value from records
    where match_domain is not null and not is_free_mail
),

found as (
    select
        record_keys.source,
        record_keys.source_id,
        rules.rank,
        rules.rule,
        rules.confidence,
        owner_keys.account_id,
        min(record_keys.key_type || ' = ' || record_keys.key_value) as evidence,
        min(
            case
                when owner_keys.linked_from > record_keys.created_at then owner_keys.linked_from
                else record_keys.created_at
            end
        ) as linked_from
    from record_keys
    inner join rules on record_keys.key_type = rules.key_type
    inner join owner_keys
        on
            rules.owner_kind = owner_keys.owner_kind
            and record_keys.key_type = owner_keys.key_type
            and record_keys.key_value = owner_keys.key_value
    group by 1, 2, 3, 4, 5, 6
),

best as (
    select source, source_id, min(rank) as rank from found
    group by source, source_id
),

decided as (
    select
        found.source,
        found.source_id,
        count(*) as accounts,
        min(found.account_id) as account_id,
        min(found.rule) as rule,
        min(found.evidence) as evidence,
        min(found.confidence) as confidence,
        min(found.linked_from) as linked_from,
        {{ dbt.listagg('found.account_id', "', '", 'order by found.account_id') }} as candidates
    from found
    inner join best
        on found.source = best.source and found.source_id = best.source_id and found.rank = best.rank
    group by found.source, found.source_id
),

judged as (
    select
        records.source,
        records.source_id,
        records.kind,
        records.created_at,
        case when decided.accounts = 1 then decided.account_id end as found_account_id,
        decided.rule,
        decided.evidence,
        decided.confidence,
        decided.linked_from,
        case when decided.accounts > 1 then decided.candidates end as candidates,
        case
            when decided.accounts = 1 then null
            when decided.accounts > 1 then 'ambiguous'
            when records.match_domain is not null and not records.is_free_mail then 'no_match'
            when records.crm_id is not null then 'no_match'
            {#- A product account always has its own id, which alone is no way to a company. -#}
            when records.product_id is not null and records.kind <> 'product' then 'no_match'
            when records.is_free_mail then 'free_mail'
            else 'no_key'
        end as reason,
        case
            when decided.accounts > 1 or records.product_id is null
                then records.source || ':' || records.source_id
            else 'product_id:' || lower(records.product_id)
        end as own_group,
        {{ carriers }}.source_id is not null as carries
    from records
    left join decided
        on records.source = decided.source and records.source_id = decided.source_id
    left join {{ carriers }}
        on records.source = {{ carriers }}.source and records.source_id = {{ carriers }}.source_id
),

own as (
    select
        own_group,
        min(source || ':' || source_id) as account_id
    from judged
    where reason is not null and carries
    group by own_group
)

select
    judged.source,
    judged.source_id,
    judged.kind,
    coalesce(judged.found_account_id, own.account_id) as account_id,
    case
        when judged.found_account_id is not null then judged.rule
        when own.account_id is not null then 'own_record'
    end as rule,
    case
        when judged.found_account_id is not null then judged.evidence
        when own.account_id <> judged.source || ':' || judged.source_id then judged.own_group
    end as evidence,
    case
        when judged.found_account_id is not null then judged.confidence
        when own.account_id is not null then cast(1 as decimal(4,2))
    end as confidence,
    case
        when judged.found_account_id is not null then judged.linked_from
        when own.account_id is not null then judged.created_at
    end as linked_from,
    judged.reason,
    judged.candidates
from judged
left join own on judged.own_group = own.own_group and judged.reason is not null
{%- endmacro %}
