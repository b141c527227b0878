{#-
    "Now" of the whole project, as a UTC timestamp literal. From var as_of, else from C360_AS_OF,
    else the start of the run. Read at execution only: a manifest parsed yesterday stays valid
    today, and partial parsing survives a new value in C360_AS_OF.
-#}
{% macro as_of() -%}
    cast('{{ as_of_text() }}' as {{ dbt.type_timestamp() }})
{%- endmacro %}

{% macro as_of_text() -%}
    {%- if execute -%}
        {%- set given = var('as_of', none) or env_var('C360_AS_OF', '') or run_started_at.isoformat() -%}
        {%- set moment = modules.datetime.datetime.fromisoformat(given | string) -%}
        {%- if moment.tzinfo -%}
            {%- set moment = moment.astimezone(modules.pytz.utc) -%}
        {%- endif -%}
        {{- moment.strftime('%Y-%m-%d %H:%M:%S.%f') -}}
    {%- else -%}
        1970-01-01 00:00:00
    {%- endif -%}
{%- endmacro %}

{#- The day, in the reporting time zone, in which as_of falls. -#}
{% macro as_of_day() -%}
    {{ local_date(as_of()) }}
{%- endmacro %}

{#- Snapshots record when a state held in the project's own time, so replays are reproducible. -#}
{% macro snapshot_get_time() -%}
    {{ as_of() }}
{%- endmacro %}
