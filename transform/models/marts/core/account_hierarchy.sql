{%- set rollup = {
    'own': 'account_id', 'parent': 'coalesce(parent_account_id, account_id)', 'ultimate_parent': 'ultimate_parent_account_id'
} -%}
select
    account_id,
    parent_account_id,
    ultimate_parent_account_id,
    cast(depth as {{ dbt.type_bigint() }}) as depth,
    cast(children as {{ dbt.type_bigint() }}) as children,
    cast(family_size as {{ dbt.type_bigint() }}) as family_size,
    {{ rollup[var('account_rollup')] }} as rollup_account_id,
    is_parent_refused,
    refused_parent_account_id
from {{ ref('int_account_hierarchy') }}
