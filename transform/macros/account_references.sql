{#- Entities whose rows say in a person's words which account they are about. -#}
{% macro referring_entities() -%}
    {{- return([
        'csm_sentiment', 'objectives', 'score_overrides', 'tier_overrides', 'identity_overrides',
        'touches', 'community_activity', 'feature_requests', 'account_notes',
    ]) -}}
{%- endmacro %}

{#- Those that may name a person's address instead. -#}
{% macro referring_by_person() -%}
    {{- return(['touches', 'community_activity']) -}}
{%- endmacro %}

{#-
    An entity with `account_id`, found through what it says of the account (int_account_references),
    else through the person's address; NULL = not found. Rows of after as_of, by the expression
    `known`, are left out. Of several rows with one `key` (account_id, then these columns), as when
    an account is written in two ways, the one written last stays.
-#}
{% macro entity_with_named_account(entity, known, key=none) -%}
    with records as (
        {{ union_entity(entity) }}
    ),

    named as (
        select source, reference, account_id from {{ ref('int_account_references') }}
    ),

    found as (
        select
            records.*,
            {%- if entity in referring_by_person() %}
            coalesce(by_account.account_id, by_person.account_id) as account_id
            {%- else %}
            by_account.account_id
            {%- endif %}
        from records
        left join named as by_account
            on records.source = by_account.source and records.account_source_id = by_account.reference
        {%- if entity in referring_by_person() %}
        left join named as by_person
            on records.source = by_person.source and records.contact_email = by_person.reference
        {%- endif %}
        where {{ known }}
    )
    {%- if key %},

    ranked as (
        select
            *,
            row_number() over (
                partition by source, coalesce(account_id, 'unknown ' || account_source_id), {{ key | join(', ') }}
                order by written_at desc, source_id desc
            ) as recency
        from found
    )

    select * from ranked
    where recency = 1
    {%- else %}

    select * from found
    {%- endif %}
{%- endmacro %}
