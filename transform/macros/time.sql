{#- A timestamp with time zone, as the UTC wall clock: the one convention of every model. -#}
{% macro utc(expression) -%}
    {{ adapter.dispatch('utc', 'customer_360')(expression) }}
{%- endmacro %}

{% macro default__utc(expression) -%}
    cast({{ expression }} at time zone 'UTC' as {{ dbt.type_timestamp() }})
{%- endmacro %}

{% macro spark__utc(expression) -%}
    cast({{ expression }} as {{ dbt.type_timestamp() }})
{%- endmacro %}

{#- ISO text (with or without offset; without means UTC) to the UTC wall clock, NULL if unreadable. -#}
{% macro iso_to_utc(expression) -%}
    {{ adapter.dispatch('iso_to_utc', 'customer_360')(expression) }}
{%- endmacro %}

{% macro default__iso_to_utc(expression) -%}
    {{ utc('cast(nullif(trim(' ~ expression ~ "), '') as timestamp with time zone)") }}
{%- endmacro %}

{% macro duckdb__iso_to_utc(expression) -%}
    {{ utc('try_cast(nullif(trim(' ~ expression ~ "), '') as timestamptz)") }}
{%- endmacro %}

{#- Seconds since 1970, whole or with a fraction, to the UTC wall clock. -#}
{% macro from_epoch(expression) -%}
    {{ adapter.dispatch('from_epoch', 'customer_360')(expression) }}
{%- endmacro %}

{% macro default__from_epoch(expression) -%}
    cast(to_timestamp({{ expression }}) at time zone 'UTC' as {{ dbt.type_timestamp() }})
{%- endmacro %}

{% macro duckdb__from_epoch(expression) -%}
    make_timestamp(cast({{ expression }} * 1000000 as bigint))
{%- endmacro %}

{% macro spark__from_epoch(expression) -%}
    timestamp_seconds({{ expression }})
{%- endmacro %}

{#- The day of a UTC wall clock in the reporting time zone. -#}
{% macro local_date(expression) -%}
    {%- if var('reporting_time_zone') | upper == 'UTC' -%}
        cast({{ expression }} as date)
    {%- else -%}
        {{ adapter.dispatch('local_date', 'customer_360')(expression) }}
    {%- endif -%}
{%- endmacro %}

{% macro default__local_date(expression) -%}
    cast(({{ expression }} at time zone 'UTC') at time zone '{{ var("reporting_time_zone") }}' as date)
{%- endmacro %}

{% macro spark__local_date(expression) -%}
    cast(from_utc_timestamp({{ expression }}, '{{ var("reporting_time_zone") }}') as date)
{%- endmacro %}

{#- Hours from one UTC wall clock to another, with fraction. -#}
{% macro hours_between(earlier, later) -%}
    cast({{ dbt.datediff(earlier, later, 'second') }} / 3600.0 as decimal(18,2))
{%- endmacro %}

{#- One row per day from one date literal or expression to another, both included. -#}
{% macro date_spine(first_day, last_day) -%}
    {{ adapter.dispatch('date_spine', 'customer_360')(first_day, last_day) }}
{%- endmacro %}

{% macro default__date_spine(first_day, last_day) -%}
    {%- set digits = 15 -%}
    select day from (
        select
            cast({{ dbt.dateadd('day', '(' ~ bits_sum(digits) ~ ')', first_day) }} as date) as day
        from {% for i in range(digits) -%}
            (select 0 as b union all select 1 as b) as p{{ i }}{{ ' cross join ' if not loop.last }}
        {%- endfor %}
    ) as days
    where day <= {{ last_day }}
{%- endmacro %}

{% macro bits_sum(digits) -%}
    {%- for i in range(digits) %}p{{ i }}.b * {{ 2 ** i }}{{ ' + ' if not loop.last }}{% endfor -%}
{%- endmacro %}

{% macro duckdb__date_spine(first_day, last_day) -%}
    select cast(day as date) as day
    from (
        select unnest(generate_series(
            cast({{ first_day }} as timestamp), cast({{ last_day }} as timestamp), interval 1 day
        )) as day
    ) as days
{%- endmacro %}
