{#-
    Companies of every further CRM: those that the first one knows too by an explicit id or a domain
    are its accounts, all others accounts of their own; merged ones are their survivor's.
-#}
with carriers as (
    select source, source_id from {{ ref('int_account_records') }}
    where kind = 'crm' and not is_anchor
),

survivors as (
    select * from {{ ref('int_account_survivors') }}
),

rules as (
    select * from {{ ref('identity_rules') }}
),

living as (
    {{ match_accounts(
        "kind = 'crm' and not is_anchor and source_id = survivor_source_id", ['int_links_crm'], 'carriers'
    ) }}
)

select * from living
union all
select
    survivors.source,
    survivors.source_id,
    living.kind,
    living.account_id,
    rules.rule,
    'merged into ' || survivors.survivor_source_id as evidence,
    rules.confidence,
    living.linked_from,
    cast(null as {{ dbt.type_string() }}) as reason,
    cast(null as {{ dbt.type_string() }}) as candidates,
    living.account_before_override,
    rules.rule as rule_before_override,
    living.linked_from_before_override
from survivors
inner join living
    on survivors.source = living.source and survivors.survivor_source_id = living.source_id
inner join rules on rules.rule = 'vendor_merge'
