{#- Whose a contract was when its month was closed. -#}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    on_schema_change='append_new_columns',
    pre_hook="{{ reopen_books() }}",
) }}
with months as (
    select * from {{ ref('int_item_mrr') }}
    where mrr > 0 and account_id is not null
)

select
    source,
    item_source_id,
    month_on,
    account_id,
    currency,
    mrr,
    {{ as_of() }} as frozen_at
from months
where {{ newly_closed() }}
