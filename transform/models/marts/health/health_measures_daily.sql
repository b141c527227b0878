{#- A day costs a day: only that of as_of is written, and replaces itself when it is run again. -#}
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='day',
    full_refresh=false,
    on_schema_change='append_new_columns',
) }}
with wide as (
    select * from {{ ref('int_health_measures_wide') }}
)
{%- if is_incremental() %},

recorded as (
    {{ history_days() }}
)
{%- endif %}

select
    wide.*,
    {{ loaded_at() }} as loaded_at
from wide
{%- if is_incremental() %}
cross join recorded
where {{ is_to_be_stored() }}
{%- endif %}
