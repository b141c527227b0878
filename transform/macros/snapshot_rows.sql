{#-
    The rows that a snapshot compares with what it knows: an entity as it is now, from int_<entity>
    or another `model`, with all its columns or those that `only` names. In a replay
    (as_of before the newest recorded change) and in an --empty build it is the snapshot's own
    open rows instead, so that neither can write into the history.
-#}
{% macro snapshot_rows(entity, model=none, only=none) -%}
    {%- set columns = (only or entity_columns(entity).keys()) | join(', ') -%}
    {%- set current = ref(model or 'int_' ~ entity) -%}
    {%- set keep = [] -%}
    {%- if execute -%}
        {%- set known = adapter.get_relation(this.database, this.schema, this.identifier) -%}
        {%- if known -%}
            {%- set newest = run_query('select max(dbt_valid_from) from ' ~ known).columns[0].values()[0] -%}
            {%- if flags.EMPTY or (newest and newest.strftime('%Y-%m-%d %H:%M:%S.%f') > as_of_text()) -%}
                {%- do keep.append(known) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
    {%- if keep %}
    select {{ columns }} from {{ keep[0] }}
    where dbt_valid_to is null
    {%- else %}
    select {{ columns }} from {{ current }}
    {%- endif %}
{%- endmacro %}
