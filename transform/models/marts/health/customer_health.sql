with scores as (
    select * from {{ ref('int_health_scores') }}
    where basis = 'main'
),

history as (
    select account_id, day, health_version as version, health_score as score, is_in_force
    from {{ ref('customer_health_history') }}
    where day < {{ as_of_day() }}
),

changes as (
    {{ score_changes('scores', 'history') }}
),

contracts as (
    select account_id, arr_reporting, days_to_renewal from {{ ref('int_account_contracts') }}
),

urgencies as (
    select
        contracts.account_id,
        urgency.urgency,
        row_number() over (partition by contracts.account_id order by urgency.sort_order) as choice
    from contracts
    inner join {{ ref('priority_urgency') }} as urgency
        on urgency.max_days_to_renewal is null or contracts.days_to_renewal <= urgency.max_days_to_renewal
)

select
    scores.account_id,
    scores.score as health_score,
    scores.band as health_band,
    scores.raw_score as health_raw_score,
    scores.cap as health_cap,
    scores.null_reason as health_null_reason,
    scores.coverage_pct as health_coverage_pct,
    scores.connected_pct as health_connected_pct,
    scores.confidence as health_confidence,
    changes.delta_7d as health_delta_7d,
    changes.delta_28d as health_delta_28d,
    changes.delta_90d as health_delta_90d,
    scores.scorecard as health_scorecard,
    scores.version as health_version,
    cast(scores.tenure_days as {{ dbt.type_bigint() }}) as tenure_days,
    cast(contracts.arr_reporting as {{ sql_type('money') }}) as arr,
    {#- Beside a score that nobody knows the money is not safe: it is counted as unknown. -#}
    case when scores.score is null then cast(contracts.arr_reporting as {{ sql_type('money') }}) end
        as arr_of_unknown_health,
    cast(urgencies.urgency as decimal(4, 2)) as urgency,
    cast(round(contracts.arr_reporting * (1 - scores.score / 100) * urgencies.urgency, 2) as decimal(18, 2))
        as priority,
    scores.override_kind as health_override,
    scores.override_author as health_override_by,
    scores.override_reason as health_override_reason,
    scores.override_expires_on as health_override_expires_on,
    scores.reason_1,
    scores.reason_2,
    scores.reason_3,
    scores.strength_1,
    scores.strength_2,
    scores.strength_3,
    scores.oldest_input_at,
    {{ as_of() }} as as_of
from scores
inner join contracts on scores.account_id = contracts.account_id
left join urgencies on scores.account_id = urgencies.account_id and urgencies.choice = 1
left join changes on scores.account_id = changes.account_id
