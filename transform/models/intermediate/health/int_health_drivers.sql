{#-
    The weight of what is unknown goes to the other measures of its group, and of a group of which
    nothing is known to the other groups. Points are exact shares of the score, cut to hundredths
    so that they add up to it.

    Coverage is the share of the weight that is known, of all measures that are not too early for the
    account. A score needs a least share of the whole scorecard, and a least share of what the
    connected systems could tell: so few systems still give a score, and few facts of many do not.
-#}
with measures as (
    select * from {{ ref('int_health_measures') }}
),

cards as (
    select basis, account_id, day, min_coverage_pct, min_connected_pct from {{ ref('int_health_scorecards') }}
),

shares as (
    select
        *,
        sum(case when null_reason is null or null_reason <> 'not_applicable' then share end)
            over (partition by basis, account_id, day, score_group) as applicable_share,
        sum(case when score is not null then share end)
            over (partition by basis, account_id, day, score_group) as known_share
    from measures
),

group_totals as (
    select
        basis,
        account_id,
        day,
        sum(case when applicable_share > 0 then group_weight else 0 end) as applicable_weight,
        sum(case when known_share > 0 then group_weight else 0 end) as known_weight
    from (
        select distinct basis, account_id, day, score_group, group_weight, applicable_share, known_share
        from shares
    ) as score_groups
    group by basis, account_id, day
),

weighted as (
    select
        shares.*,
        100.0 * shares.group_weight / nullif(group_totals.applicable_weight, 0)
        * shares.share / nullif(shares.applicable_share, 0) as nominal_weight,
        case
            when shares.score is not null
                then
                    100.0 * shares.group_weight / group_totals.known_weight
                    * shares.share / shares.known_share
        end as full_weight
    from shares
    inner join group_totals
        on
            shares.basis = group_totals.basis
            and shares.account_id = group_totals.account_id
            and shares.day = group_totals.day
),

reach as (
    select
        basis,
        account_id,
        day,
        sum(case when score is not null then nominal_weight end) as known,
        sum(case when not is_too_early then nominal_weight end) as expected,
        sum(case when not is_too_early and coalesce(null_reason, '') <> 'source_off' then nominal_weight end)
            as connected
    from weighted
    group by basis, account_id, day
),

covered as (
    select
        basis,
        account_id,
        day,
        cast(round(coalesce(100 * known / nullif(expected, 0), 0), 2) as decimal(5, 2)) as coverage_pct,
        cast(round(coalesce(100 * known / nullif(connected, 0), 0), 2) as decimal(5, 2)) as connected_pct
    from reach
),

used as (
    {#- Under the least coverage there is no score, and so nothing to divide into points. -#}
    select
        weighted.*,
        covered.coverage_pct,
        covered.connected_pct,
        case
            when
                covered.coverage_pct >= cards.min_coverage_pct
                and covered.connected_pct >= cards.min_connected_pct
                then weighted.full_weight
        end as weight_used
    from weighted
    inner join cards
        on
            weighted.basis = cards.basis
            and weighted.account_id = cards.account_id
            and weighted.day = cards.day
    inner join covered
        on
            weighted.basis = covered.basis
            and weighted.account_id = covered.account_id
            and weighted.day = covered.day
),

cut as (
    select
        *,
        {{ largest_remainder('weight_used * score', 'basis, account_id, day', 'measure') }} as hundredths
    from used
)

select
    basis,
    account_id,
    day,
    version,
    scorecard,
    score_group,
    measure,
    raw_value,
    score,
    null_reason,
    input_newest_at,
    is_stale,
    direction,
    anchor_50,
    anchor_75,
    coverage_pct,
    connected_pct,
    cast(round(coalesce(nominal_weight, 0), 4) as decimal(7, 4)) as nominal_weight,
    cast(round(weight_used, 4) as decimal(7, 4)) as weight_used,
    cast(hundredths / 100.0 as decimal(5, 2)) as points,
    cast(round(weight_used - weight_used * score / 100, 2) as decimal(5, 2)) as points_lost
from cut
