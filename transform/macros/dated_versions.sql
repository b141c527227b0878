{#-
    A snapshot's versions as days in the reporting time zone: `valid_from_on`, `valid_to_on`
    (exclusive, NULL = open) and `first_load_on`, the day from which the source's history is known.
    A record first seen after that day holds from its own start or that day, whichever is later: it
    was there and only pulled later.
    Versions that were recorded after as_of are left out, and what they ended is open again.
-#}
{% macro dated_versions(snapshot, started_at) -%}
    select
        recorded.*,
        case
            when recorded.version_no > 1 or recorded.{{ started_at }} is null
                then {{ local_date('recorded.dbt_valid_from') }}
            else
                least(
                    {{ local_date('recorded.dbt_valid_from') }},
                    greatest({{ local_date('recorded.' ~ started_at) }}, recorded.first_load_on)
                )
        end as valid_from_on,
        case
            when recorded.dbt_valid_to <= {{ as_of() }} then {{ local_date('recorded.dbt_valid_to') }}
        end as valid_to_on
    from (
        select
            *,
            row_number() over (partition by source, source_id order by dbt_valid_from) as version_no,
            {{ local_date('min(dbt_valid_from) over (partition by source)') }} as first_load_on
        from {{ ref(snapshot) }}
        where dbt_valid_from <= {{ as_of() }}
    ) as recorded
{%- endmacro %}
