{#- Which scorecard each customer is scored by, in the version that holds on the day. -#}
with facts as (
    select account_id, touch_tier, tenure_days from {{ ref('int_health_facts') }}
),

versions as (
    select distinct version from {{ ref('health_scorecards') }}
    where effective_from <= {{ as_of_day() }} and (effective_to is null or effective_to > {{ as_of_day() }})
),

rules as (
    select scorecard_rules.*
    from {{ ref('health_scorecard_rules') }} as scorecard_rules
    inner join versions on scorecard_rules.version = versions.version
),

matched as (
    select
        facts.account_id,
        facts.touch_tier,
        facts.tenure_days,
        rules.version,
        rules.scorecard,
        rules.min_coverage_pct,
        row_number() over (partition by facts.account_id order by rules.sort_order) as choice
    from facts
    inner join rules
        on
            (rules.max_tenure_days is null or facts.tenure_days < rules.max_tenure_days)
            and (rules.touch_tier is null or facts.touch_tier = rules.touch_tier)
)

select
    account_id,
    touch_tier,
    tenure_days,
    version,
    scorecard,
    min_coverage_pct
from matched
where choice = 1
