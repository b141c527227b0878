{#-
    Minor units (cents, yen) to major units, exactly: no float on the way. `minor_units` is the
    currency's number of decimals (seed currencies); NULL, an unknown currency, gives NULL
    rather than an amount that may be a hundred times too large.
-#}
{% macro to_major(amount, minor_units, kind='money') -%}
    {%- set source_type = 'decimal(24,12)' if kind == 'unit_price' else 'decimal(18,0)' -%}
    cast(
        cast({{ amount }} as {{ source_type }})
        * case {{ minor_units }}
            when 0 then cast(1 as decimal(5,4))
            when 2 then cast(0.01 as decimal(5,4))
            when 3 then cast(0.001 as decimal(5,4))
        end
        as {{ sql_type(kind) }}
    )
{%- endmacro %}
