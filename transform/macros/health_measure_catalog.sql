{#-
    How each health measure is read: the kind of source it needs, its value, and, where there can
    be none, why (`gap`) and how large the sample is (`sample`). SQL over int_health_facts. What a
    value is worth stands in seed health_measures.
-#}
{% macro health_measure_catalog() -%}
    {{- return({
        'active_to_licensed': {
            'kind': 'product',
            'value': 'active_users_28d * 1.0 / nullif(licensed_seats, 0)',
            'gap': "case when coalesce(licensed_seats, 0) <= 0 then 'no_seats' end",
        },
        'active_to_issued': {
            'kind': 'product',
            'value': 'active_users_28d * 1.0 / nullif(issued_users, 0)',
            'gap': "case when issued_users = 0 then 'no_users' end",
        },
        'active_user_trend_28d': {
            'kind': 'product',
            'value': 'active_users_28d * 1.0 / nullif(active_users_before_28d, 0) - 1',
            'gap': "case when active_users_before_28d = 0 then 'sample_too_small' end",
            'sample': 'active_users_before_28d',
        },
        'days_since_core_use': {'kind': 'product', 'value': 'days_since_core_use'},
        'feature_breadth': {
            'kind': 'product',
            'value': 'used_features * 1.0 / nullif(entitled_features, 0)',
            'gap': "case when entitled_features = 0 then 'not_entitled' end",
        },
        'star_players': {'kind': 'product', 'value': 'star_players'},
        'integrations_in_use': {'kind': 'product', 'value': 'integrations_in_use'},
        'days_since_contact': {'kind': 'crm', 'value': 'days_since_contact'},
        'overdue_days': {'kind': 'billing', 'value': 'overdue_days'},
    }) -}}
{%- endmacro %}
