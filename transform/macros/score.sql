{#-
    0 to 100 by straight lines between four anchors, flat outside them. With direction 'lower' the
    anchors fall, and the same lines are read from the other side.
-#}
{% macro score_by_anchors(value, direction) -%}
    {%- set side = "case " ~ direction ~ " when 'lower' then -1 else 1 end" -%}
    {%- set x = "(" ~ side ~ " * " ~ value ~ ")" -%}
    case
        when {{ value }} is null then null
        when {{ x }} <= ({{ side }} * anchor_0) then 0
        {%- for low, high in [(0, 50), (50, 75), (75, 100)] %}
        when {{ x }} < ({{ side }} * anchor_{{ high }})
            then {{ low }} + {{ high - low }} * ({{ value }} - anchor_{{ low }}) / (anchor_{{ high }} - anchor_{{ low }})
        {%- endfor %}
        else 100
    end
{%- endmacro %}

{#-
    Whole hundredths that add up to the rounded total: what rounding down lost goes, one hundredth
    each, to the largest remainders. `exact` is in hundredths; ties are broken by `tie_break`.
-#}
{% macro largest_remainder(exact, partition_by, tie_break) -%}
    floor({{ exact }})
    + case
        when
            row_number() over (
                partition by {{ partition_by }}
                order by case when {{ exact }} is null then 2 else 1 end, {{ exact }} - floor({{ exact }}) desc, {{ tie_break }}
            ) <= round(sum({{ exact }}) over (partition by {{ partition_by }}), 0)
            - sum(floor({{ exact }})) over (partition by {{ partition_by }})
            then 1
        else 0
    end
{%- endmacro %}
