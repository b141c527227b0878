{#- The quarter of a date, such as 2026-Q1. -#}
{% macro year_and_quarter(day) -%}
    {{ dbt.cast('extract(year from ' ~ day ~ ')', dbt.type_string()) }}
    || '-Q' || {{ dbt.cast('extract(quarter from ' ~ day ~ ')', dbt.type_string()) }}
{%- endmacro %}

{#-
    Periods by which use comes back, with the highest age that is followed in each. Beyond it a
    longer period tells the same with fewer cells.
-#}
{% macro retention_periods() -%}
    {{- return({'day': 30, 'week': 26, 'month': 24}) -}}
{%- endmacro %}
