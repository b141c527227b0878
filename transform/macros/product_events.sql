{#-
    Product events once each: per event id the copy that was received last. `days` names a CTE of
    (source, utc_date); only its days are then read, and copies of an event share their day.
-#}
{% macro deduplicated_events(days=none) -%}
    select
        source, event_id, occurred_at, received_at, user_key, device_key, account_key, event_name, properties,
        loaded_at
    from (
        select
            events.*,
            row_number() over (
                partition by events.source, events.event_id
                order by
                    events.received_at desc, events.loaded_at desc,
                    events.account_key, events.user_key, events.device_key, events.properties
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

{#- Only few events name an integration; looking first saves reading the JSON of all others. -#}
{% macro integration_name(properties) -%}
    case when {{ properties }} like '%"integration"%' then {{ json_text(properties, 'integration') }} end
{%- endmacro %}

{#-
    How many different things (users, features) an account had within the last `days` days, as
    changes per day: +1 when a thing comes into the window, -1 when it falls out of it. Summed up
    over the days they give the count, at the cost of one row per day of use instead of `days`.
    `used` is a CTE of distinct account_id, day and the column `thing`.
-#}
{% macro window_changes(used, thing, days) -%}
    select account_id, change_on, sum(change) as change
    from (
        select account_id, day as change_on, 1 as change from {{ used }}
        union all
        select
            account_id,
            case
                when next_day < {{ dbt.dateadd('day', days, 'day') }} then next_day
                else cast({{ dbt.dateadd('day', days, 'day') }} as date)
            end as change_on,
            -1 as change
        from (
            select
                account_id,
                day,
                lead(day) over (partition by account_id, {{ thing }} order by day) as next_day
            from {{ used }}
        ) as used_days
    ) as changes
    group by account_id, change_on
{%- endmacro %}

{#-
    The user that a key stands for, and the join that finds it. Both are nothing where no source
    that is switched on merges users: the models then cost what they did without merges.
-#}
{% macro aliased_user(key, aliases, has_aliases) -%}
    {{ 'coalesce(' ~ aliases ~ '.user_key, ' ~ key ~ ')' if has_aliases else key }}
{%- endmacro %}

{% macro join_aliases(aliases, relation, key, has_aliases) -%}
    {%- if has_aliases -%}
    left join {{ ref('int_product_user_aliases') }} as {{ aliases }}
        on {{ relation }}.source = {{ aliases }}.source and {{ key }} = {{ aliases }}.merged_user_key
    {%- endif -%}
{%- endmacro %}
