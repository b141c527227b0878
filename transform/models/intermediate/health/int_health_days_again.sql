{#-
    Days that are over, as they are known by now: what a replay finds of them, kept beside what was
    stored on them (health_measures_daily). The last replay of a day counts.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='day',
    full_refresh=false,
    on_schema_change='append_new_columns',
) }}
select
    wide.*,
    {{ loaded_at() }} as replayed_at
from {{ ref('int_health_measures_wide') }} as wide
where wide.day < (select max(stored.day) from {{ ref('health_measures_daily') }} as stored)
