{#-
    Portable column types of the entity contracts. Money is in major units of its currency. A float
    has 64 bits: dbt.type_float() has 32 on DuckDB, seven digits.
-#}
{% macro sql_type(kind) -%}
    {%- set types = {
        'text': dbt.type_string(),
        'json': dbt.type_string(),
        'timestamp': dbt.type_timestamp(),
        'date': 'date',
        'boolean': dbt.type_boolean(),
        'integer': dbt.type_bigint(),
        'money': 'decimal(18,4)',
        'unit_price': 'decimal(24,12)',
        'ratio': 'decimal(18,6)',
        'float': 'double' if target.type == 'spark' else 'double precision',
    } -%}
    {{- types[kind] -}}
{%- endmacro %}

{#- NULL instead of an error when a value cannot be cast. dbt.safe_cast is a plain cast on DuckDB. -#}
{% macro try_cast(expression, kind) -%}
    {{ adapter.dispatch('try_cast', 'customer_360')(expression, sql_type(kind)) }}
{%- endmacro %}

{% macro default__try_cast(expression, type) -%}
    {{ dbt.safe_cast(expression, type) }}
{%- endmacro %}

{% macro duckdb__try_cast(expression, type) -%}
    try_cast({{ expression }} as {{ type }})
{%- endmacro %}

{#- 'true' / 'false' as text, in any case, to a boolean; anything else is NULL. -#}
{% macro text_to_boolean(expression) -%}
    case lower(trim({{ expression }})) when 'true' then true when 'false' then false end
{%- endmacro %}
