{#- Groups whose shares do not sum to exactly 100. -#}
{% test sums_to_100(model, share, group_by) %}
    select {{ group_by | join(', ') }}, sum({{ share }}) as total
    from {{ model }}
    group by {{ group_by | join(', ') }}
    having sum({{ share }}) <> 100
{% endtest %}
