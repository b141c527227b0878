select
    account_id,
    touch_tier,
    touch_tier_reason,
    tier_version,
    cast(arr as {{ sql_type('money') }}) as arr,
    '{{ var("reporting_currency") }}' as currency,
    complexity,
    is_strategic,
    cast(products as {{ dbt.type_bigint() }}) as products,
    cast(currencies as {{ dbt.type_bigint() }}) as currencies,
    cast(integrations as {{ dbt.type_bigint() }}) as integrations,
    cast(child_accounts as {{ dbt.type_bigint() }}) as child_accounts,
    {{ as_of() }} as as_of
from {{ ref('int_account_tiers') }}
