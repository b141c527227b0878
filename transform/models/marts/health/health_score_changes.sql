{#-
    The way from the score of four weeks ago to that of today in three steps, each with one thing
    changed: what is known of that day (late data), what it is judged by (definition), and the customer
    itself (behaviour). A step under which nothing is known is not taken: what it would have told is
    then in the next one.
-#}
with drivers as (
    select * from {{ ref('int_health_reasons') }}
),

scores as (
    select * from {{ ref('int_health_scores') }}
),

stored as (
    select * from {{ ref('customer_health_history') }}
    where is_in_force
),

replays as (
    select account_id, max(replayed_at) as replayed_at from {{ ref('int_health_before') }}
    group by account_id
),

pairs as (
    select
        latest.account_id,
        latest.day,
        latest.version,
        latest.scorecard,
        latest.score,
        latest.raw_score,
        stored.day as day_before,
        stored.health_version as version_before,
        stored.health_scorecard as scorecard_before,
        stored.health_score as score_before,
        before.score as step_0_score,
        before.raw_score as step_0_raw,
        coalesce(restated.score, before.score) as step_1_score,
        case when restated.score is null then before.raw_score else restated.raw_score end as step_1_raw,
        case when restated.score is null then 'before' else 'before_restated' end as step_1_basis,
        coalesce(redefined.score, restated.score, before.score) as step_2_score,
        case
            when redefined.score is not null then redefined.raw_score
            when restated.score is not null then restated.raw_score
            else before.raw_score
        end as step_2_raw,
        case
            when redefined.score is not null then 'before_redefined'
            when restated.score is not null then 'before_restated'
            else 'before'
        end as step_2_basis
    from scores as latest
    inner join scores as before on latest.account_id = before.account_id and before.basis = 'before'
    inner join stored on before.account_id = stored.account_id and before.day = stored.day
    left join scores as restated
        on latest.account_id = restated.account_id and restated.basis = 'before_restated'
    left join scores as redefined
        on latest.account_id = redefined.account_id and redefined.basis = 'before_redefined'
    where latest.basis = 'main' and latest.score is not null and stored.health_score is not null
),

measures as (
    select
        pairs.account_id,
        drivers.measure,
        max(drivers.label) as label,
        max(drivers.score_group) as score_group,
        max(case when drivers.basis = 'main' then drivers.raw_value end) as raw_value,
        max(case when drivers.basis = 'before' then drivers.raw_value end) as raw_value_before,
        coalesce(max(case when drivers.basis = 'main' then drivers.points end), 0) as points,
        coalesce(max(case when drivers.basis = 'before' then drivers.points end), 0) as step_0,
        coalesce(max(case when drivers.basis = pairs.step_1_basis then drivers.points end), 0) as step_1,
        coalesce(max(case when drivers.basis = pairs.step_2_basis then drivers.points end), 0) as step_2
    from pairs
    inner join drivers on pairs.account_id = drivers.account_id
    group by pairs.account_id, drivers.measure
),

beside as (
    {#-
        What caps and people take from the sum of the points, or add to it. Where the stored score is
        not what its stored measures give any more, the scoring itself was changed: a definition.
    -#}
    select
        account_id,
        'caps_and_overrides' as measure,
        'Caps and overrides' as label,
        score - raw_score as points,
        coalesce(step_0_score - step_0_raw, 0) as step_0,
        coalesce(step_1_score - step_1_raw, 0) as step_1,
        coalesce(step_2_score - step_2_raw, 0) as step_2,
        score_before - coalesce(step_0_score, 0) as rest
    from pairs
),

steps as (
    select
        account_id,
        measure,
        label,
        score_group,
        raw_value,
        raw_value_before,
        points,
        step_0 as points_before,
        points - step_2 as behaviour,
        step_2 - step_1 as definition,
        step_1 - step_0 as late_data
    from measures
    union all
    select
        account_id,
        measure,
        label,
        null as score_group,
        null as raw_value,
        null as raw_value_before,
        points,
        step_0 + rest as points_before,
        points - step_2 as behaviour,
        step_2 - step_1 - rest as definition,
        step_1 - step_0 as late_data
    from beside
)

select
    steps.account_id,
    steps.measure,
    steps.label,
    steps.score_group,
    pairs.day,
    pairs.day_before,
    pairs.version as health_version,
    pairs.version_before as health_version_before,
    pairs.scorecard as health_scorecard,
    pairs.scorecard_before as health_scorecard_before,
    cast(steps.raw_value as {{ sql_type('ratio') }}) as raw_value,
    cast(steps.raw_value_before as {{ sql_type('ratio') }}) as raw_value_before,
    cast(steps.points as decimal(5, 2)) as points,
    cast(steps.points_before as decimal(5, 2)) as points_before,
    cast(steps.points - steps.points_before as decimal(5, 2)) as points_change,
    cast(steps.behaviour as decimal(5, 2)) as behaviour_change,
    cast(steps.definition as decimal(5, 2)) as definition_change,
    cast(steps.late_data as decimal(5, 2)) as late_data_change,
    replays.replayed_at as late_data_known_at,
    {{ as_of() }} as as_of
from steps
inner join pairs on steps.account_id = pairs.account_id
left join replays on steps.account_id = replays.account_id
