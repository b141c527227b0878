{#- Kinds of tiers, with the tiers of each from the least attention or worth to the most. -#}
{% macro tier_scales() -%}
    {{- return({'touch': ['tech', 'low', 'high'], 'value': ['C', 'B', 'A']}) -}}
{%- endmacro %}

{#- The place of a tier among those of its kind, 1 for the least. -#}
{% macro tier_rank(tier) -%}
    case
        {%- for place in range(3) %}
        when {{ tier }} in ({% for scale in tier_scales().values() %}'{{ scale[place] }}'{{ ', ' if not loop.last }}{% endfor %}) then {{ place + 1 }}
        {%- endfor %}
    end
{%- endmacro %}

{#- The tier at a place of a kind. -#}
{% macro tier_at(kind, rank) -%}
    case {{ kind }}
        {%- for name, scale in tier_scales().items() %}
        when '{{ name }}' then case {{ rank }}
            {%- for tier in scale %} when {{ loop.index }} then '{{ tier }}'{% endfor %} end
        {%- endfor %}
    end
{%- endmacro %}

{#- Why a rule of seed tiers was met: `rules` and `facts` are relations with what its text names. -#}
{% macro tier_reason(rules, facts) -%}
    {{ fill(rules ~ '.reason', {
        'min_arr': whole(rules ~ '.min_arr'),
        'arr': whole(facts ~ '.arr') ~ " || ' " ~ var('reporting_currency') ~ "'",
        'percentile': percent('1.0 * ' ~ facts ~ '.customers_below / nullif(' ~ facts ~ '.other_customers, 0)'),
        'min_complexity': whole(rules ~ '.min_complexity'),
        'complexity': whole(facts ~ '.complexity'),
        'min_employees': whole(rules ~ '.min_employees'),
        'employees': "coalesce(" ~ whole(facts ~ '.employee_count') ~ ", 'an unknown number of')",
    }) }}
{%- endmacro %}
