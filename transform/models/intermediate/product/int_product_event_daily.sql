{#-
    Events per day, user and device, kept incrementally: days whose version in raw differs from the one
    they were computed from are deleted and computed again, whatever the reason (new events, late
    ones, days that vanished), so the table is always what a full refresh would give. It depends on
    raw alone: who sat at a device, catalog, accounts and exclusions are applied by its readers.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{% if is_incremental() %}
        delete from {{ this }} where not exists (
            select 1 from {{ ref('int_product_days') }} as days
            where days.source = {{ this }}.source
                and days.utc_date = {{ this }}.utc_date
                and days.version = {{ this }}.day_version
        )
    {% endif %}"
) }}

with days as (
    select * from {{ ref('int_product_days') }}
),

{% if is_incremental() -%}
done as (
    select distinct source, utc_date from {{ this }}
),

{% endif -%}
changed_days as (
    select
        days.source,
        days.utc_date,
        days.version
    from days
    {%- if is_incremental() %}
    left join done on days.source = done.source and days.utc_date = done.utc_date
    where done.utc_date is null
    {%- endif %}
),

events as (
    {{ deduplicated_events('changed_days') }}
)

select
    events.source,
    cast(events.occurred_at as date) as utc_date,
    changed_days.version as day_version,
    {{ local_date('events.occurred_at') }} as day,
    events.account_key,
    events.user_key,
    events.device_key,
    events.event_name,
    {{ integration_name('events.properties') }} as integration,
    count(*) as events,
    min(events.occurred_at) as first_at,
    max(events.occurred_at) as last_at
from events
inner join changed_days
    on events.source = changed_days.source and cast(events.occurred_at as date) = changed_days.utc_date
group by 1, 2, 3, 4, 5, 6, 7, 8, 9
