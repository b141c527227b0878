{#- Measures whose anchors do not strictly rise (direction higher) or fall (direction lower). -#}
{% test anchors_are_monotone(model) %}
    select * from {{ model }}
    where
        not (direction = 'higher' and anchor_0 < anchor_50 and anchor_50 < anchor_75 and anchor_75 < anchor_100)
        and not (direction = 'lower' and anchor_0 > anchor_50 and anchor_50 > anchor_75 and anchor_75 > anchor_100)
{% endtest %}
