{#- Empty and blank text to NULL; surrounding white space goes. -#}
{% macro clean(expression) -%}
    nullif(trim({{ expression }}), '')
{%- endmacro %}

{#-
    Host of a domain, URL or e-mail domain as sent by a vendor: lower case, no scheme, no "www.",
    no path, port or trailing dot. NULL when what is left is not a host with a dot.
-#}
{% macro normalise_domain(expression) -%}
    {{ adapter.dispatch('normalise_domain', 'customer_360')(expression) }}
{%- endmacro %}

{% macro default__normalise_domain(expression) -%}
    {%- set host -%}
        regexp_replace(
            regexp_replace(lower(trim({{ expression }})), '^([a-z][a-z0-9+.-]*://)?([^/@]*@)?(www\.)?', ''),
            '(\.?[/:?#].*|\.)$', ''
        )
    {%- endset -%}
    case
        when {{ host }} like '%.%' and {{ host }} not like '% %' and {{ host }} not like '%@%' then {{ host }}
    end
{%- endmacro %}
