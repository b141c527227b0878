{#-
    What is scored. Basis `main` are the customers of the day; the others are the same customers four
    weeks before (int_health_before), scored to tell what has moved their scores. `defined_on` is the
    day whose version counts.
-#}
{%- set columns = health_case_columns() -%}
select
    'main' as basis,
    day as defined_on,
    {{ columns | join(',\n    ') }},
    csm_is_red
from {{ ref('int_health_subjects') }}
{%- if not scoring_again() %}
union all
select
    basis,
    defined_on,
    {{ columns | join(',\n    ') }},
    case when csm_sentiment = 0 then 1 else 0 end as csm_is_red
from {{ ref('int_health_before') }}
{%- endif %}
