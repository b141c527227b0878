with cards as (
    select * from {{ ref('int_health_scorecards') }}
),

subjects as (
    select * from {{ ref('int_health_cases') }}
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
        basis,
        account_id,
        day,
        max(coverage_pct) as coverage_pct,
        max(connected_pct) as connected_pct,
        sum(points) as raw_score,
        coalesce(sum(case when is_stale then weight_used end), 0) as stale_pct,
        min(case when score is not null then input_newest_at end) as oldest_input_at
    from drivers
    group by basis, account_id, day
),

missing as (
    {#-
        The reason that keeps most of the weight unknown; what is not connected is one only where enough
        of the rest is known.
    -#}
    select
        drivers.basis,
        drivers.account_id,
        drivers.day,
        drivers.null_reason,
        row_number() over (
            partition by drivers.basis, drivers.account_id, drivers.day
            order by sum(drivers.nominal_weight) desc, drivers.null_reason
        ) as choice
    from drivers
    inner join cards
        on
            drivers.basis = cards.basis
            and drivers.account_id = cards.account_id
            and drivers.day = cards.day
    where
        drivers.null_reason <> 'not_applicable'
        and (drivers.null_reason <> 'source_off' or drivers.connected_pct >= cards.min_connected_pct)
    group by drivers.basis, drivers.account_id, drivers.day, drivers.null_reason
),

capped as (
    {#- What rules of the scorecard leave of the sum of the points. -#}
    select
        cards.basis,
        cards.account_id,
        cards.day,
        cards.version,
        cards.scorecard,
        cards.tenure_days,
        cards.is_in_force,
        coalesce(summed.coverage_pct, 0) as coverage_pct,
        coalesce(summed.connected_pct, 0) as connected_pct,
        summed.oldest_input_at,
        summed.stale_pct,
        summed.raw_score,
        case when caps.cap_score < summed.raw_score then caps.cap end as cap,
        least(summed.raw_score, coalesce(caps.cap_score, summed.raw_score)) as capped_score,
        subjects.override_kind,
        subjects.override_score_cap,
        subjects.override_band,
        subjects.override_author,
        subjects.override_reason,
        subjects.override_expires_on
    from cards
    inner join subjects
        on
            cards.basis = subjects.basis
            and cards.account_id = subjects.account_id
            and cards.day = subjects.day
    left join summed
        on
            cards.basis = summed.basis
            and cards.account_id = summed.account_id
            and cards.day = summed.day
    left join caps
        on
            cards.basis = caps.basis
            and cards.account_id = caps.account_id
            and cards.day = caps.day
            and caps.tightest = 1
),

decided as (
    {#- A band set by hand stands above the caps: the raw score moves to its nearest value within it. -#}
    select
        capped.*,
        case
            when capped.raw_score is null then null
            when capped.override_kind = 'cap' then least(capped.capped_score, capped.override_score_cap)
            when capped.override_kind = 'band' and wanted.band is not null
                then least(greatest(capped.raw_score, wanted.from_score), coalesce(wanted.below_score - 0.01, 100))
            else capped.capped_score
        end as final_score
    from capped
    left join bands as wanted on capped.version = wanted.version and capped.override_band = wanted.band
),

named as (
    select
        *,
        final_score <> capped_score as is_overridden,
        'Set by hand to '
        || case override_kind when 'band' then override_band else {{ whole('override_score_cap') }} end
        || ' until ' || cast(override_expires_on as {{ dbt.type_string() }}) || ': ' || override_reason
            as override_text
    from decided
),

confidences as (
    select
        named.basis,
        named.account_id,
        named.day,
        confidence.confidence,
        row_number() over (
            partition by named.basis, named.account_id, named.day order by confidence.sort_order
        ) as choice
    from named
    inner join {{ ref('health_confidence') }} as confidence
        on
            named.coverage_pct >= confidence.min_coverage_pct
            and named.stale_pct <= confidence.max_stale_pct
    where named.final_score is not null
),

causes as (
    {#- What a person decided comes first, then what pulls the score down, then the measures. -#}
    select
        basis,
        account_id,
        day,
        override_text as reason,
        0 as rank_no
    from named
    where is_overridden
    union all
    select
        caps.basis,
        caps.account_id,
        caps.day,
        caps.cap_text as reason,
        caps.tightest as rank_no
    from caps
    inner join summed
        on
            caps.basis = summed.basis
            and caps.account_id = summed.account_id
            and caps.day = summed.day
    where caps.cap_score < summed.raw_score
    union all
    select
        basis,
        account_id,
        day,
        reason,
        risk_rank + 100 as rank_no
    from drivers
    where risk_rank is not null
),

risks as (
    select
        basis,
        account_id,
        day,
        reason,
        row_number() over (partition by basis, account_id, day order by rank_no) as place
    from causes
),

risk_columns as (
    select
        basis,
        account_id,
        day,
        max(case when place = 1 then reason end) as reason_1,
        max(case when place = 2 then reason end) as reason_2,
        max(case when place = 3 then reason end) as reason_3
    from risks
    group by basis, account_id, day
),

strength_columns as (
    select
        basis,
        account_id,
        day,
        max(case when strength_rank = 1 then reason end) as strength_1,
        max(case when strength_rank = 2 then reason end) as strength_2,
        max(case when strength_rank = 3 then reason end) as strength_3
    from drivers
    where strength_rank is not null
    group by basis, account_id, day
)

select
    named.basis,
    named.account_id,
    named.day,
    named.version,
    named.scorecard,
    named.tenure_days,
    named.is_in_force,
    cast(named.coverage_pct as decimal(5, 2)) as coverage_pct,
    cast(named.connected_pct as decimal(5, 2)) as connected_pct,
    confidences.confidence,
    named.oldest_input_at,
    cast(named.raw_score as decimal(5, 2)) as raw_score,
    case
        when named.is_overridden then 'override'
        when named.raw_score is not null then named.cap
    end as cap,
    cast(named.final_score as decimal(5, 2)) as score,
    case when named.final_score is null then 'unknown' else bands.band end as band,
    case when named.final_score is null then coalesce(missing.null_reason, 'no_scorecard') end as null_reason,
    named.override_kind,
    named.override_author,
    named.override_reason,
    named.override_expires_on,
    risk_columns.reason_1,
    risk_columns.reason_2,
    risk_columns.reason_3,
    strength_columns.strength_1,
    strength_columns.strength_2,
    strength_columns.strength_3
from named
left join bands
    on
        named.version = bands.version
        and named.final_score >= bands.from_score
        and (bands.below_score is null or named.final_score < bands.below_score)
left join missing
    on
        named.basis = missing.basis
        and named.account_id = missing.account_id
        and named.day = missing.day
        and missing.choice = 1
left join confidences
    on
        named.basis = confidences.basis
        and named.account_id = confidences.account_id
        and named.day = confidences.day
        and confidences.choice = 1
left join risk_columns
    on
        named.basis = risk_columns.basis
        and named.account_id = risk_columns.account_id
        and named.day = risk_columns.day
left join strength_columns
    on
        named.basis = strength_columns.basis
        and named.account_id = strength_columns.account_id
        and named.day = strength_columns.day
