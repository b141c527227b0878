{#-
    Product events once each: per event id the copy that was received last. `days` names a CTE of
    (source, utc_date); only its days are then read, and copies of an event share their day.
-#}
{% macro deduplicated_events(days=none) -%}
    select source, event_id, occurred_at, received_at, user_key, account_key, event_name, properties, loaded_at
    from (
        select
            events.*,
            row_number() over (
                partition by events.source, events.event_id
                order by
                    events.received_at desc, events.loaded_at desc,
                    events.account_key, events.user_key, events.properties
            ) as copy
        from ({{ union_entity('product_events') }}) as events
        {%- if days %}
        inner join {{ days }}
            on events.source = {{ days }}.source and cast(events.occurred_at as date) = {{ days }}.utc_date
        {%- endif %}
        where events.occurred_at is not null
    ) as copies
    where copy = 1
{%- endmacro %}
