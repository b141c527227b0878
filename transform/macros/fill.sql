{#- A text template from a seed with its {placeholders} replaced; `values` is placeholder -> SQL text. -#}
{% macro fill(template, values) -%}
    {%- set ns = namespace(sql=template) -%}
    {%- for name, expression in values.items() -%}
        {%- set ns.sql = "replace(" ~ ns.sql ~ ", '{" ~ name ~ "}', coalesce(" ~ expression ~ ", '?'))" -%}
    {%- endfor -%}
    {{ ns.sql }}
{%- endmacro %}

{#- A number as text without decimals. -#}
{% macro whole(expression) -%}
    cast(cast(round({{ expression }}, 0) as {{ dbt.type_bigint() }}) as {{ dbt.type_string() }})
{%- endmacro %}

{#- A ratio as a whole percentage. -#}
{% macro percent(expression) -%}
    {{ whole('100 * ' ~ expression) }} || ' %'
{%- endmacro %}
