{#-
    Which scorecard each case is scored by, in the version that holds on its day or is asked for. What
    is scored only to explain a change needs no least coverage: nobody is shown the score.
-#}
with subjects as (
    select basis, account_id, day, defined_on, touch_tier, tenure_days from {{ ref('int_health_cases') }}
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
        subjects.basis,
        subjects.account_id,
        subjects.day,
        subjects.touch_tier,
        subjects.tenure_days,
        rules.version,
        rules.scorecard,
        case when subjects.basis = 'main' then rules.min_coverage_pct else 0 end as min_coverage_pct,
        case when subjects.basis = 'main' then rules.min_connected_pct else 0 end as min_connected_pct,
        subjects.day >= rules.effective_from
        and (rules.effective_to is null or subjects.day < rules.effective_to) as is_in_force,
        row_number() over (
            partition by subjects.basis, subjects.account_id, subjects.day order by rules.sort_order
        ) as choice
    from subjects
    inner join rules
        on
            (rules.max_tenure_days is null or subjects.tenure_days < rules.max_tenure_days)
            and (rules.touch_tier is null or subjects.touch_tier = rules.touch_tier)
            {%- if scoring_again() %}
            and rules.version = '{{ var("rescore_version") }}'
            {%- else %}
            and subjects.defined_on >= rules.effective_from
            and (rules.effective_to is null or subjects.defined_on < rules.effective_to)
            {%- endif %}
)

select
    basis,
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
