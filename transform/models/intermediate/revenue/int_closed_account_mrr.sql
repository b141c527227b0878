{#- Account months as they stood when they were closed. What is appended is never changed. -#}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    on_schema_change='append_new_columns',
    pre_hook="{{ reopen_books() }}",
) }}
with months as (
    select * from (
        {{ open_account_months(this if is_incremental() else none) }}
    ) as open_months
)

select
    months.*,
    {{ as_of() }} as frozen_at
from months
where {{ newly_closed() }}
