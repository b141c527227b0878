{#- The rule that a customer met at a month-end, in plain words. A view: only few of them are read. -#}
{{ config(materialized='view') }}

with met as (
    select * from {{ ref('int_tier_rules_met') }}
    where sort_order is not null
),

facts as (
    select * from {{ ref('int_tier_facts') }}
),

rules as (
    select * from {{ ref('tiers') }}
)

select
    met.account_id,
    met.kind,
    met.month_on,
    met.version,
    {{ tier_reason('rules', 'facts') }} as reason
from met
inner join facts on met.account_id = facts.account_id and met.month_on = facts.month_on
inner join rules
    on met.kind = rules.kind and met.version = rules.version and met.sort_order = rules.sort_order
