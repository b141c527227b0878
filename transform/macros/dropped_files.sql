{#-
    The rows of one schema of dropped files: of several with one key, wherever they stand, the one in
    the file that was written last. `key` are expressions over `d`. Adds source_id (file and row) and
    written_at.
-#}
{% macro newest_dropped(table_name, key) -%}
    select * from (
        select
            d.*,
            d.file_name || ':' || cast(d.row_number as {{ dbt.type_string() }}) as source_id,
            {{ utc('f.modified_at') }} as written_at,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by f.modified_at desc, d.file_name desc, d.row_number desc
            ) as recency
        from {{ source('raw_files', table_name) }} as d
        left join {{ source('raw_files', 'dropped_files') }} as f on d.file_name = f.file_name
    ) as ranked
    where recency = 1
{%- endmacro %}
