{#- Which scorecard each customer is scored by, in the version that holds on the day or is asked for. -#}
with subjects as (
    select account_id, day, touch_tier, tenure_days from {{ ref('int_health_subjects') }}
),

versions as (
    select distinct version, effective_from, effective_to from {{ ref('health_scorecards') }}
),

rules as (
    select
        scorecard_rules.*,
        versions.effective_from,
        versions.effective_to
    from {{ ref('health_scorecard_rules') }} as scorecard_rules
    inner join versions on scorecard_rules.version = versions.version
),

matched as (
    select
        subjects.account_id,
        subjects.day,
        subjects.touch_tier,
        subjects.tenure_days,
        rules.version,
        rules.scorecard,
        rules.min_coverage_pct,
        rules.min_connected_pct,
        subjects.day >= rules.effective_from
        and (rules.effective_to is null or subjects.day < rules.effective_to) as is_in_force,
        row_number() over (partition by subjects.account_id, subjects.day order by rules.sort_order) as choice
    from subjects
    inner join rules
        on
            (rules.max_tenure_days is null or subjects.tenure_days < rules.max_tenure_days)
            and (rules.touch_tier is null or subjects.touch_tier = rules.touch_tier)
            {%- if scoring_again() %}
            and rules.version = '{{ var("rescore_version") }}'
            {%- else %}
            and subjects.day >= rules.effective_from
            and (rules.effective_to is null or subjects.day < rules.effective_to)
            {%- endif %}
)

select
    account_id,
    day,
    touch_tier,
    tenure_days,
    version,
    scorecard,
    min_coverage_pct,
    min_connected_pct,
    is_in_force
from matched
where choice = 1
