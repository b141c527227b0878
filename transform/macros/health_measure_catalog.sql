{#-
    How each health measure is read: the feed it rests on (int_health_feeds), its value, and, where
    there can be none, why (`gap`), how large the sample is (`sample`), and, where an account has its
    own, when its input was given (`input_at`). SQL over int_health_facts. An account must be known
    to the system of a feed (has_<feed> in the facts) when `mapped` says so. What a value is worth
    stands in seed health_measures.
-#}
{% macro health_measure_catalog() -%}
    {{- return({
        'active_to_licensed': {
            'feed': 'product', 'mapped': true,
            'value': 'active_users_28d * 1.0 / nullif(licensed_seats, 0)',
            'gap': "case when coalesce(licensed_seats, 0) <= 0 then 'no_seats' end",
        },
        'active_to_issued': {
            'feed': 'product', 'mapped': true,
            'value': 'active_users_28d * 1.0 / nullif(issued_users, 0)',
            'gap': "case when issued_users = 0 then 'no_users' end",
        },
        'active_user_trend_28d': {
            'feed': 'product', 'mapped': true,
            'value': 'active_users_28d * 1.0 / nullif(active_users_before_28d, 0) - 1',
            'gap': "case when active_users_before_28d = 0 then 'sample_too_small' end",
            'sample': 'active_users_before_28d',
        },
        'days_since_core_use': {'feed': 'product', 'mapped': true, 'value': 'days_since_core_use'},
        'feature_breadth': {
            'feed': 'product', 'mapped': true,
            'value': 'used_features * 1.0 / nullif(entitled_features, 0)',
            'gap': "case when entitled_features = 0 then 'not_entitled' end",
        },
        'star_players': {'feed': 'product', 'mapped': true, 'value': 'star_players'},
        'integrations_in_use': {'feed': 'product', 'mapped': true, 'value': 'integrations_in_use'},
        'objectives_on_track': {
            'feed': 'objectives',
            'value': 'objectives_on_track * 1.0 / nullif(objectives, 0)',
            'gap': "case when coalesce(objectives, 0) = 0 then 'no_objectives' end",
        },
        'open_urgent_tickets': {'feed': 'support', 'mapped': true, 'value': 'open_urgent_tickets'},
        'csat_90d': {
            'feed': 'csat',
            'value': 'csat_satisfied_90d * 1.0 / nullif(csat_answers_90d, 0)',
            'gap': "case when coalesce(csat_answers_90d, 0) = 0 then 'no_answers' end",
            'sample': 'csat_answers_90d',
        },
        'reopened_share_90d': {
            'feed': 'support', 'mapped': true,
            'value': 'reopened_tickets_90d * 1.0 / nullif(solved_tickets_90d, 0)',
            'gap': "case when coalesce(solved_tickets_90d, 0) = 0 then 'no_tickets' end",
            'sample': 'solved_tickets_90d',
        },
        'nps_180d': {
            'feed': 'nps',
            'value': 'nps_latest',
            'gap': "case when coalesce(nps_answers_180d, 0) = 0 then 'no_answers' end",
            'sample': 'nps_answers_180d',
        },
        'csm_sentiment': {
            'feed': 'sentiment',
            'value': 'csm_sentiment_value',
            'gap': "case when csm_sentiment_value is null then 'not_given' end",
            'input_at': 'csm_sentiment_at',
        },
        'days_since_contact': {'feed': 'crm', 'mapped': true, 'value': 'days_since_contact'},
        'touches_90d': {'feed': 'touches', 'value': 'touches_90d'},
        'overdue_days': {'feed': 'billing', 'mapped': true, 'value': 'overdue_days'},
    }) -}}
{%- endmacro %}

{#-
    Columns of a stored day beside its measures: whom it is about and what decides beside them. Of
    overdue_days the measure is the same thing.
-#}
{% macro health_case_columns() -%}
    {{- return([
        'account_id', 'day', 'touch_tier', 'tenure_days', 'arr', 'overdue_days', 'cancelling_mrr_share',
        'open_urgent_hours', 'override_kind', 'override_score_cap', 'override_band', 'override_author',
        'override_reason', 'override_expires_on',
    ]) -}}
{%- endmacro %}

{#- Columns of the measures of a stored day, apart from those that health_case_columns has. -#}
{% macro health_input_columns() -%}
    {%- set columns = [] -%}
    {%- for measure, how in health_measure_catalog().items() -%}
        {%- set suffixes = ['', '_null_reason', '_input_at'] + (['_sample'] if how.sample else []) -%}
        {%- for suffix in suffixes if measure ~ suffix not in health_case_columns() -%}
            {%- do columns.append(measure ~ suffix) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(columns) -}}
{%- endmacro %}

{#- What a cap looks at (int_health_cases), and the measure that tells how old it is. -#}
{% macro health_cap_inputs() -%}
    {{- return({
        'overdue_days': 'overdue_days',
        'cancelling_mrr_share': 'overdue_days',
        'open_urgent_hours': 'open_urgent_tickets',
        'csm_is_red': 'csm_sentiment',
    }) -}}
{%- endmacro %}
