{#-
    Every company of the CRM that anchors is an account; merged ones, even those gone from the CRM,
    are their survivor's.
-#}
with records as (
    select * from {{ ref('int_account_records') }}
    where is_anchor
),

survivors as (
    select * from {{ ref('int_account_survivors') }}
),

own as (
    select
        source,
        source_id,
        kind,
        source_id as survivor_source_id,
        'crm_record' as rule,
        cast(null as {{ dbt.type_string() }}) as evidence,
        created_at as linked_from
    from records
    where source_id = survivor_source_id
),

merged as (
    select
        survivors.source,
        survivors.source_id,
        own.kind,
        survivors.survivor_source_id,
        'vendor_merge' as rule,
        'merged into ' || survivors.survivor_source_id as evidence,
        own.linked_from
    from survivors
    inner join own
        on survivors.source = own.source and survivors.survivor_source_id = own.source_id
),

links as (
    select * from own
    union all
    select * from merged
),

rules as (
    select * from {{ ref('identity_rules') }}
)

select
    links.source,
    links.source_id,
    links.kind,
    links.source || ':' || links.survivor_source_id as account_id,
    links.rule,
    links.evidence,
    rules.confidence,
    links.linked_from,
    cast(null as {{ dbt.type_string() }}) as reason,
    cast(null as {{ dbt.type_string() }}) as candidates
from links
left join rules on links.rule = rules.rule
