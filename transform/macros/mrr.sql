{#-
    An amount per invoice as an amount per month. Week and day follow the year: 52/12 and 365/12,
    never 4 and 30. NULL when the interval is unknown or its count is not positive.
-#}
{% macro per_month(amount, interval, interval_count) -%}
    case
        when {{ interval_count }} > 0 then
            case {{ interval }}
                when 'month' then {{ amount }} / {{ interval_count }}
                when 'year' then {{ amount }} / (12 * {{ interval_count }})
                when 'week' then {{ amount }} * 52 / (12 * {{ interval_count }})
                when 'day' then {{ amount }} * 365 / (12 * {{ interval_count }})
            end
    end
{%- endmacro %}

{#- Months in a term; NULL when the interval is unknown or its count is not positive. -#}
{% macro term_months(interval, interval_count) -%}
    case
        when {{ interval_count }} > 0 then
            case {{ interval }}
                when 'month' then {{ interval_count }}
                when 'year' then 12 * {{ interval_count }}
                when 'week' then {{ interval_count }} * 12 / 52.0
                when 'day' then {{ interval_count }} * 12 / 365.0
            end
    end
{%- endmacro %}

{#- Money as every model above staging keeps it. -#}
{% macro money(expression) -%}
    cast(round({{ expression }}, 4) as {{ sql_type('money') }})
{%- endmacro %}

{#- Product of the factors (0 to 1) of a group; 1 when there is none. ln(0) does not exist, so 0 is apart. -#}
{% macro product_of(factor) -%}
    case
        when min({{ factor }}) <= 0 then 0
        else coalesce(round(exp(sum(case when {{ factor }} > 0 then ln({{ factor }}) end)), 12), 1)
    end
{%- endmacro %}

{#- Kinds of movement of an account's MRR from one month to the next, in the order of the columns. -#}
{% macro mrr_movements() -%}
    {{- return(['new', 'reactivation', 'expansion', 'contraction', 'churn']) -}}
{%- endmacro %}
