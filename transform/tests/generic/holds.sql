{#- Rows for which a condition is false. A condition that is NULL says nothing and passes. -#}
{% test holds(model, condition) %}
    select * from {{ model }}
    where not ({{ condition }})
{% endtest %}
