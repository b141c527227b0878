{#- Where a source stands in var sources, from 1; 0 when it is not there. -#}
{% macro source_place(source) -%}
    (
        0
        {%- for name in var('sources') %} + case when {{ source }} = '{{ name }}' then {{ loop.index }} else 0 end{% endfor %}
    )
{%- endmacro %}
