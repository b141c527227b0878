{#-
    Every company of the CRM that anchors is an account; merged ones, even those gone from the CRM,
    are their survivor's, and so are those that a person linked to another, through every such link.
    Each pass doubles the distance, so four follow sixteen. Links in a circle link nothing.
-#}
{%- set passes = 4 -%}
with records as (
    select * from {{ ref('int_account_records') }}
    where is_anchor
),

overrides as (
    select * from {{ ref('int_identity_override_targets') }}
    where is_in_force and problem is null
),

survivors as (
    {#- What a person took out of a merge stands for itself again. #}
    select survivors.*
    from {{ ref('int_account_survivors') }} as survivors
    left join overrides
        on
            survivors.source = overrides.record_source
            and survivors.source_id = overrides.record_id
            and overrides.action = 'unlink'
    left join records on survivors.source = records.source and survivors.source_id = records.source_id
    where overrides.record_id is null or records.source_id is null
),

own as (
    select
        records.source,
        records.source_id,
        records.kind,
        records.created_at
    from records
    left join survivors on records.source = survivors.source and records.source_id = survivors.source_id
    where survivors.source_id is null
),

pass_0 as (
    select
        own.source,
        own.source_id,
        coalesce(survivors.survivor_source_id, overrides.target_source_id) as target_source_id
    from own
    inner join overrides
        on
            own.source = overrides.record_source
            and own.source_id = overrides.record_id
            and overrides.action = 'link'
            and own.source = overrides.target_source
    left join survivors
        on
            overrides.target_source = survivors.source
            and overrides.target_source_id = survivors.source_id
    where coalesce(survivors.survivor_source_id, overrides.target_source_id) <> own.source_id
),

{% for i in range(passes) -%}
pass_{{ i + 1 }} as (
    select
        step.source,
        step.source_id,
        coalesce(beyond.target_source_id, step.target_source_id) as target_source_id
    from pass_{{ i }} as step
    left join pass_{{ i }} as beyond
        on step.source = beyond.source and step.target_source_id = beyond.source_id
),

{% endfor -%}

linked as (
    select
        ends.source,
        ends.source_id,
        ends.target_source_id
    from pass_{{ passes }} as ends
    left join pass_0 as further on ends.source = further.source and ends.target_source_id = further.source_id
    where further.source_id is null
),

placed as (
    select
        own.source,
        own.source_id,
        own.kind,
        own.created_at,
        coalesce(linked.target_source_id, own.source_id) as anchor_source_id,
        linked.source_id is not null as is_linked,
        overrides.source_id as decided_in,
        overrides.valid_from as decided_from
    from own
    left join linked on own.source = linked.source and own.source_id = linked.source_id
    left join overrides
        on
            own.source = overrides.record_source
            and own.source_id = overrides.record_id
            and overrides.action = 'link'
),

links as (
    select
        source,
        source_id,
        kind,
        anchor_source_id,
        case when is_linked then 'manual_link' else 'crm_record' end as rule,
        case when is_linked then 'decided in ' || decided_in end as evidence,
        case when is_linked then cast(decided_from as {{ dbt.type_timestamp() }}) else created_at end as linked_from,
        source_id as own_source_id,
        'crm_record' as own_rule,
        created_at as own_from
    from placed
    union all
    select
        survivors.source,
        survivors.source_id,
        placed.kind,
        placed.anchor_source_id,
        'vendor_merge' as rule,
        'merged into ' || survivors.survivor_source_id as evidence,
        placed.created_at as linked_from,
        survivors.survivor_source_id as own_source_id,
        'vendor_merge' as own_rule,
        placed.created_at as own_from
    from survivors
    inner join placed
        on survivors.source = placed.source and survivors.survivor_source_id = placed.source_id
),

rules as (
    select * from {{ ref('identity_rules') }}
)

select
    links.source,
    links.source_id,
    links.kind,
    links.source || ':' || links.anchor_source_id as account_id,
    links.rule,
    links.evidence,
    rules.confidence,
    links.linked_from,
    cast(null as {{ dbt.type_string() }}) as reason,
    cast(null as {{ dbt.type_string() }}) as candidates,
    links.source || ':' || links.own_source_id as account_before_override,
    links.own_rule as rule_before_override,
    links.own_from as linked_from_before_override
from links
left join rules on links.rule = rules.rule
