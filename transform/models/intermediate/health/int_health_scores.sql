with cards as (
    select * from {{ ref('int_health_scorecards') }}
),

drivers as (
    select * from {{ ref('int_health_reasons') }}
),

caps as (
    select * from {{ ref('int_health_caps') }}
),

bands as (
    select * from {{ ref('health_bands') }}
),

summed as (
    select
        account_id,
        max(coverage_pct) as coverage_pct,
        sum(points) as raw_score,
        min(input_newest_at) as oldest_input_at
    from drivers
    group by account_id
),

missing as (
    {#- The reason that keeps most of the weight unknown. -#}
    select
        account_id,
        null_reason,
        row_number() over (partition by account_id order by sum(nominal_weight) desc, null_reason) as choice
    from drivers
    where null_reason is not null and null_reason <> 'not_applicable'
    group by account_id, null_reason
),

causes as (
    {#- A cap that pulls the score down comes before any measure. -#}
    select
        account_id,
        reason,
        risk_rank + 100 as rank_no
    from drivers
    where risk_rank is not null
    union all
    select
        caps.account_id,
        caps.cap_text as reason,
        caps.tightest as rank_no
    from caps
    inner join summed on caps.account_id = summed.account_id
    where caps.cap_score < summed.raw_score
),

risks as (
    select
        account_id,
        reason,
        row_number() over (partition by account_id order by rank_no) as place
    from causes
),

risk_columns as (
    select
        account_id,
        max(case when place = 1 then reason end) as reason_1,
        max(case when place = 2 then reason end) as reason_2,
        max(case when place = 3 then reason end) as reason_3
    from risks
    group by account_id
),

strength_columns as (
    select
        account_id,
        max(case when strength_rank = 1 then reason end) as strength_1,
        max(case when strength_rank = 2 then reason end) as strength_2,
        max(case when strength_rank = 3 then reason end) as strength_3
    from drivers
    where strength_rank is not null
    group by account_id
),

capped as (
    select
        cards.account_id,
        cards.version,
        cards.scorecard,
        cards.tenure_days,
        cast(coalesce(summed.coverage_pct, 0) as decimal(5, 2)) as coverage_pct,
        summed.oldest_input_at,
        summed.raw_score,
        case when caps.cap_score < summed.raw_score then caps.cap end as cap,
        cast(
            case when caps.cap_score < summed.raw_score then caps.cap_score else summed.raw_score end
            as decimal(5, 2)
        ) as score
    from cards
    left join summed on cards.account_id = summed.account_id
    left join caps on cards.account_id = caps.account_id and caps.tightest = 1
)

select
    capped.account_id,
    capped.version,
    capped.scorecard,
    capped.tenure_days,
    capped.coverage_pct,
    capped.oldest_input_at,
    cast(capped.raw_score as decimal(5, 2)) as raw_score,
    capped.cap,
    capped.score,
    case when capped.score is null then 'unknown' else bands.band end as band,
    case when capped.score is null then coalesce(missing.null_reason, 'no_scorecard') end as null_reason,
    risk_columns.reason_1,
    risk_columns.reason_2,
    risk_columns.reason_3,
    strength_columns.strength_1,
    strength_columns.strength_2,
    strength_columns.strength_3
from capped
left join bands
    on
        capped.version = bands.version
        and capped.score >= bands.from_score
        and (bands.below_score is null or capped.score < bands.below_score)
left join missing on capped.account_id = missing.account_id and missing.choice = 1
left join risk_columns on capped.account_id = risk_columns.account_id
left join strength_columns on capped.account_id = strength_columns.account_id
