{#-
    The part of a host (normalise_domain) that one party registered, by the public-suffix list: the
    function of plugins/registrable_domain.py. Engines without it take the last two labels, three
    below a second level such as co.uk.
-#}
{% macro registrable_domain(host) -%}
    {{ adapter.dispatch('registrable_domain', 'customer_360')(host) }}
{%- endmacro %}

{% macro duckdb__registrable_domain(host) -%}
    registrable_domain({{ host }})
{%- endmacro %}

{% macro default__registrable_domain(host) -%}
    regexp_replace(
        {{ host }},
        '^.*?(([^.]+[.](ac|co|com|edu|go|gov|ne|net|or|org)[.][a-z]{2})|([^.]+[.][^.]+))$',
        '{{ '$1' if target.type == 'spark' else '\\1' }}'
    )
{%- endmacro %}

{#-
    Links some records to accounts: a whole query, for a CTE of a links model.

    `which` is a condition on int_account_records that picks them. `owners` are the links models of
    the kinds before it, whose accounts can be found. What a record seeks (int_account_keys, and
    int_name_matches) is looked up among what the owners' records offer, by the ranked rules of seed
    identity_rules. The best rank that finds any account decides when it is one. When it finds
    several, a later rule on another kind of key may settle between them, and only between them;
    else they are recorded as candidates and nobody guesses. A majority rule finds an account that
    more than `identity_member_min_share` of the keys that lead anywhere lead to. A domain or an
    address that more accounts have than var identity_max_accounts_per_domain finds none.

    What finds none is an account of its own if it is among `carriers` (a CTE of source, source_id
    with revenue or use), together with others among them that carry the same explicit product id.
    What a person decided (int_identity_override_targets) stands above every rule.
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

all_keys as (
    select * from {{ ref('int_account_keys') }}
),

rules as (
    select * from {{ ref('identity_rules') }}
    where rank > 0
),

overrides as (
    select * from {{ ref('int_identity_override_targets') }}
    where is_in_force and problem is null
),

owner_links as (
    {%- for model in owners %}
    select source, source_id, kind, account_id, linked_from from {{ ref(model) }}
    where account_id is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

offered as (
    {#- Merged ids have no record any more but still stand in other systems. -#}
    select kind as owner_kind, account_id, 'crm_id' as key_type, lower(source_id) as key_value, linked_from
    from owner_links
    where kind = 'crm'
    union all
    select l.kind as owner_kind, l.account_id, k.key_type, k.key_value, l.linked_from
    from owner_links as l
    inner join all_keys as k on l.source = k.source and l.source_id = k.source_id
    where k.is_offered
),

holders as (
    select
        owner_kind,
        account_id,
        key_type,
        key_value,
        min(linked_from) as linked_from,
        count(*) over (partition by owner_kind, key_type, key_value) as accounts
    from offered
    group by owner_kind, account_id, key_type, key_value
),

owner_keys as (
    select * from holders
    where key_type not in ('domain', 'email') or accounts <= {{ var('identity_max_accounts_per_domain') }}
),

key_hits as (
    select
        records.source,
        records.source_id,
        rules.rank,
        owner_keys.account_id,
        all_keys.key_value,
        all_keys.key_type || ' = ' || all_keys.key_value as evidence,
        rules.confidence,
        case
            when owner_keys.linked_from > records.created_at then owner_keys.linked_from
            else records.created_at
        end as linked_from
    from records
    inner join all_keys
        on records.source = all_keys.source and records.source_id = all_keys.source_id and all_keys.is_sought
    inner join rules on all_keys.key_type = rules.key_type
    inner join owner_keys
        on
            rules.owner_kind = owner_keys.owner_kind
            and all_keys.key_type = owner_keys.key_type
            and all_keys.key_value = owner_keys.key_value
),

name_hits as (
    select
        records.source,
        records.source_id,
        rules.rank,
        owner_links.account_id,
        matches.name_key as key_value,
        'name = ' || matches.name_key as evidence,
        matches.probability as confidence,
        case
            when owner_links.linked_from > records.created_at then owner_links.linked_from
            else records.created_at
        end as linked_from
    from records
    inner join {{ ref('int_name_matches') }} as matches
        on records.source = matches.source and records.source_id = matches.source_id
    inner join owner_links
        on matches.owner_source = owner_links.source and matches.owner_source_id = owner_links.source_id
    inner join rules on rules.key_type = 'name' and owner_links.kind = rules.owner_kind
    where matches.probability >= {{ var('identity_name_min_probability') }}
),

hits as (
    select * from key_hits
    union all
    select * from name_hits
),

{#- What a person cut: from one account, or from all. -#}
uncut as (
    select hits.*
    from hits
    left join overrides
        on
            hits.source = overrides.record_source
            and hits.source_id = overrides.record_id
            and overrides.action = 'unlink'
    left join owner_links as others
        on
            overrides.target_source = others.source
            and overrides.target_source_id = others.source_id
    where
        overrides.record_id is null
        or (overrides.target_source_id is not null and coalesce(others.account_id <> hits.account_id, true))
),

counted as (
    select
        source,
        source_id,
        rank,
        count(distinct key_value) as keys
    from uncut
    group by source, source_id, rank
),

grouped as (
    select
        source,
        source_id,
        rank,
        account_id,
        count(distinct key_value) as keys,
        min(evidence) as evidence,
        max(confidence) as confidence,
        min(linked_from) as linked_from
    from uncut
    group by source, source_id, rank, account_id
),

found as (
    select
        grouped.source,
        grouped.source_id,
        grouped.rank,
        grouped.account_id,
        rules.rule,
        rules.key_type,
        case
            when rules.is_majority then grouped.keys || ' of ' || counted.keys || ' known people'
            {#- An address is a person's: the evidence is how many led there. #}
            when rules.key_type = 'email' then grouped.keys || ' known e-mail'
            else grouped.evidence
        end as evidence,
        grouped.confidence,
        grouped.linked_from
    from grouped
    inner join counted
        on
            grouped.source = counted.source
            and grouped.source_id = counted.source_id
            and grouped.rank = counted.rank
    inner join rules on grouped.rank = rules.rank
    where not rules.is_majority or grouped.keys > {{ var('identity_member_min_share') }} * counted.keys
),

first_ranks as (
    select source, source_id, min(rank) as rank from found
    group by source, source_id
),

candidates as (
    select found.*
    from found
    inner join first_ranks
        on
            found.source = first_ranks.source
            and found.source_id = first_ranks.source_id
            and found.rank = first_ranks.rank
),

listed as (
    select
        source,
        source_id,
        count(*) as accounts,
        {{ dbt.listagg('account_id', "', '", 'order by account_id') }} as account_ids
    from candidates
    group by source, source_id
),

among as (
    select
        found.source,
        found.source_id,
        found.rank,
        count(*) as accounts,
        min(found.account_id) as account_id,
        min(found.rule) as rule,
        min(found.key_type) = 'name' as is_by_name,
        min(found.evidence) as evidence,
        min(found.confidence) as confidence,
        min(found.linked_from) as linked_from
    from found
    inner join candidates
        on
            found.source = candidates.source
            and found.source_id = candidates.source_id
            and found.account_id = candidates.account_id
    inner join rules on found.rank = rules.rank
    {#- The same key among other records is no new evidence, and neither is an address's domain. #}
    where
        found.rank = candidates.rank
        or (
            (rules.is_majority or found.key_type <> candidates.key_type)
            and not (found.key_type = 'domain' and candidates.key_type = 'email')
        )
    group by found.source, found.source_id, found.rank
),

settled as (
    select
        *,
        row_number() over (partition by source, source_id order by rank) as place
    from among
    where accounts = 1
),

decided as (
    select
        settled.*,
        count(*) over (partition by source, account_id) as of_source
    from settled
    where place = 1
),

judged as (
    select
        records.source,
        records.source_id,
        records.kind,
        records.created_at,
        {#- No source has a company twice, as far as a name can tell. -#}
        case when not (decided.is_by_name and decided.of_source > 1) then decided.account_id end
            as found_account_id,
        decided.rule,
        decided.evidence,
        decided.confidence,
        decided.linked_from,
        coalesce(
            case when decided.account_id is null then listed.account_ids end,
            case when decided.is_by_name and decided.of_source > 1 then decided.account_id end
        ) as candidates,
        case
            when decided.account_id is not null and not (decided.is_by_name and decided.of_source > 1) then null
            when listed.accounts > 0 then 'ambiguous'
            when decision.action = 'unlink' then 'unlinked'
            when records.match_domain is not null then 'no_match'
            when records.crm_id is not null then 'no_match'
            {#- A product account always has its own id, which alone is no way to a company. #}
            when records.product_id is not null and records.kind <> 'product' then 'no_match'
            when records.is_free_mail then 'free_mail'
            else 'no_key'
        end as reason,
        case
            when listed.accounts > 1 or decision.record_id is not null or records.product_id is null
                then records.source || ':' || records.source_id
            else 'product_id:' || lower(records.product_id)
        end as own_group,
        {{ carriers }}.source_id is not null as carries
    from records
    left join decided on records.source = decided.source and records.source_id = decided.source_id
    left join listed on records.source = listed.source and records.source_id = listed.source_id
    left join overrides as decision
        on records.source = decision.record_source and records.source_id = decision.record_id
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
),

by_rule as (
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
            when judged.found_account_id is not null then cast(judged.confidence as decimal(4, 2))
            when own.account_id is not null then cast(1 as decimal(4, 2))
        end as confidence,
        case
            when judged.found_account_id is not null then judged.linked_from
            when own.account_id is not null then judged.created_at
        end as linked_from,
        judged.reason,
        judged.candidates
    from judged
    left join own on judged.own_group = own.own_group and judged.reason is not null
),

decisions as (
    select * from overrides
    where action = 'link'
),

placed as (
    select source, source_id, account_id from owner_links
    union all
    select by_rule.source, by_rule.source_id, by_rule.account_id
    from by_rule
    left join decisions
        on by_rule.source = decisions.record_source and by_rule.source_id = decisions.record_id
    where by_rule.account_id is not null and decisions.record_id is null
)

select
    by_rule.source,
    by_rule.source_id,
    by_rule.kind,
    coalesce(placed.account_id, by_rule.account_id) as account_id,
    case when placed.account_id is not null then 'manual_link' else by_rule.rule end as rule,
    case when placed.account_id is not null then 'decided in ' || decisions.source_id else by_rule.evidence end
        as evidence,
    case when placed.account_id is not null then cast(1 as decimal(4, 2)) else by_rule.confidence end as confidence,
    case
        when placed.account_id is not null then cast(decisions.valid_from as {{ dbt.type_timestamp() }})
        else by_rule.linked_from
    end as linked_from,
    case when placed.account_id is null then by_rule.reason end as reason,
    case when placed.account_id is null then by_rule.candidates end as candidates,
    by_rule.account_id as account_before_override,
    by_rule.rule as rule_before_override,
    by_rule.linked_from as linked_from_before_override
from by_rule
left join decisions
    on by_rule.source = decisions.record_source and by_rule.source_id = decisions.record_id
left join placed
    on decisions.target_source = placed.source and decisions.target_source_id = placed.source_id
{%- endmacro %}

{#- Why an attribute came from where it did. -#}
{% macro survivorship_reason(record, records) -%}
    case
        when {{ record }} is null then 'no record says it'
        when {{ records }} = 1 then 'the only record that says it'
        else 'ranked first of ' || cast({{ records }} as {{ dbt.type_string() }}) || ' records that say it'
    end
{%- endmacro %}
