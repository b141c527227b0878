{#- Versions that lack a part without which nobody has a score: one of the other tables has no row of it. -#}
{% test versions_are_whole(model, others) %}
    {%- for other in others %}
    select distinct version from {{ model }}
    where version not in (select version from {{ other }})
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{% endtest %}
