{#- What metrics were made of when their month was closed. -#}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    on_schema_change='append_new_columns',
    pre_hook="{{ reopen_books() }}",
) }}
with months as (
    select * from {{ ref('int_kpi_revenue') }}
)

select
    metric,
    month_on,
    numerator,
    denominator,
    is_quotient,
    population,
    excluded,
    {{ as_of() }} as frozen_at
from months
where {{ newly_closed() }}
