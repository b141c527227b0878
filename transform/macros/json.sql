{#-
    Text of a JSON member, NULL when it is missing, null, or the column holds no readable JSON.
    `path` has dots between names, as in 'coupon.id'. The column may be JSON or text.
-#}
{% macro json_text(column, path) -%}
    {{ adapter.dispatch('json_text', 'customer_360')(column, path) }}
{%- endmacro %}

{% macro default__json_text(column, path) -%}
    (cast({{ column }} as json) #>> '{ {{- path.split('.') | join(',') -}} }')
{%- endmacro %}

{% macro duckdb__json_text(column, path) -%}
    try(json_extract_string({{ column }}, '$."{{ path.split('.') | join('"."') }}"'))
{%- endmacro %}

{% macro spark__json_text(column, path) -%}
    get_json_object({{ column }}, '$.{{ path }}')
{%- endmacro %}

{#- JSON member as JSON text, for members that are lists or objects. -#}
{% macro json_member(column, path) -%}
    {{ adapter.dispatch('json_member', 'customer_360')(column, path) }}
{%- endmacro %}

{% macro default__json_member(column, path) -%}
    cast(cast({{ column }} as json) #> '{ {{- path.split('.') | join(',') -}} }' as text)
{%- endmacro %}

{% macro duckdb__json_member(column, path) -%}
    try(cast(json_extract({{ column }}, '$."{{ path.split('.') | join('"."') }}"') as varchar))
{%- endmacro %}

{% macro spark__json_member(column, path) -%}
    get_json_object({{ column }}, '$.{{ path }}')
{%- endmacro %}

{#-
    A select with one row per element of a JSON list: `columns` of the relation, then `element`
    (JSON text) and `position` from 1. No row when the column is NULL, null or no list.
-#}
{% macro json_elements(relation, columns, json_column) -%}
    {{ adapter.dispatch('json_elements', 'customer_360')(relation, columns, json_column) }}
{%- endmacro %}

{% macro default__json_elements(relation, columns, json_column) -%}
    select {{ columns | join(', ') }}, cast(item.value as text) as element, item.ordinality as position
    from {{ relation }}
    cross join lateral json_array_elements(
        case when json_typeof(cast({{ json_column }} as json)) = 'array'
            then cast({{ json_column }} as json) else cast('[]' as json) end
    ) with ordinality as item (value, ordinality)
{%- endmacro %}

{% macro duckdb__json_elements(relation, columns, json_column) -%}
    select
        {{ columns | join(', ') }},
        cast(unnest(elements) as varchar) as element,
        generate_subscripts(elements, 1) as position
    from (
        select {{ columns | join(', ') }}, try_cast(cast({{ json_column }} as varchar) as json[]) as elements
        from {{ relation }}
    ) as lists
{%- endmacro %}

{% macro spark__json_elements(relation, columns, json_column) -%}
    select {{ columns | join(', ') }}, element, position + 1 as position
    from {{ relation }}
    lateral view posexplode(from_json({{ json_column }}, 'array<string>')) as position, element
{%- endmacro %}

{#- A select with one row per part of a delimited text: `columns`, then `part` (trimmed, not empty). -#}
{% macro split_to_rows(relation, columns, text_column, delimiter) -%}
    select * from (
        {{ adapter.dispatch('split_to_rows', 'customer_360')(relation, columns, text_column, delimiter) }}
    ) as parts
    where part <> ''
{%- endmacro %}

{% macro default__split_to_rows(relation, columns, text_column, delimiter) -%}
    select {{ columns | join(', ') }}, trim(item.part) as part
    from {{ relation }}
    cross join lateral unnest(string_to_array({{ text_column }}, '{{ delimiter }}')) as item (part)
{%- endmacro %}

{% macro duckdb__split_to_rows(relation, columns, text_column, delimiter) -%}
    select {{ columns | join(', ') }}, trim(unnest(string_split({{ text_column }}, '{{ delimiter }}'))) as part
    from {{ relation }}
{%- endmacro %}

{% macro spark__split_to_rows(relation, columns, text_column, delimiter) -%}
    select {{ columns | join(', ') }}, trim(part) as part
    from {{ relation }}
    lateral view explode(split({{ text_column }}, '[{{ delimiter }}]')) as part
{%- endmacro %}
