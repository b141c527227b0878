{#- Measures that health_measure_catalog does not compute. -#}
{% test is_known_measure(model, column_name) %}
    select {{ column_name }} from {{ model }}
    where {{ column_name }} not in ('{{ health_measure_catalog().keys() | join("', '") }}')
{% endtest %}
