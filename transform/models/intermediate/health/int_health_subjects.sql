{#-
    Whom to score on which day, with what decides beside the measures: tier, tenure, what caps look
    at, and the exception that a person made.
-#}
{%- set columns = health_case_columns() -%}
{%- if scoring_again() -%}
select
    {{ columns | join(',\n    ') }},
    case when csm_sentiment = 0 then 1 else 0 end as csm_is_red
from {{ stored_measures() }}
{%- else -%}
with facts as (
    select * from {{ ref('int_health_facts') }}
),

overrides as (
    {#- The decision that began last holds, and none longer than it may. -#}
    select
        *,
        row_number() over (partition by account_id order by from_on desc, source asc, source_id desc) as recency
    from (
        select
            *,
            least(
                expires_on,
                cast({{ dbt.dateadd('day', var('longest_override_days'), 'from_on') }} as date)
            ) as ends_on
        from {{ ref('int_score_overrides') }}
        where account_id is not null and author is not null and reason is not null
    ) as bounded
    where ends_on > {{ as_of_day() }}
),

joined as (
    select
        facts.*,
        overrides.kind as override_kind,
        overrides.score_cap as override_score_cap,
        overrides.band as override_band,
        overrides.author as override_author,
        overrides.reason as override_reason,
        overrides.ends_on as override_expires_on
    from facts
    left join overrides on facts.account_id = overrides.account_id and overrides.recency = 1
)

select
    {{ columns | join(',\n    ') }},
    case when csm_sentiment_value = 0 then 1 else 0 end as csm_is_red
from joined
{%- endif %}
