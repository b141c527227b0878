{#- What the backtest asks for: any loss, each kind of it apart, and a large part of the revenue. -#}
{% macro backtest_targets() -%}
    {{- return(['churn', 'voluntary', 'involuntary', 'churn_or_contraction']) -}}
{%- endmacro %}

{#- The columns that name one row of the backtest. -#}
{% macro backtest_cell(relation=none) -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {{ prefix }}version, {{ prefix }}period, {{ prefix }}segment, {{ prefix }}target
{%- endmacro %}

{#- Two relations are about the same row of the backtest. -#}
{% macro same_backtest_cell(left, right) -%}
    {{ left }}.version = {{ right }}.version
    and {{ left }}.period = {{ right }}.period
    and {{ left }}.segment = {{ right }}.segment
    and {{ left }}.target = {{ right }}.target
{%- endmacro %}
