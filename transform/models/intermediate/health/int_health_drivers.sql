{#-
    The weight of what is unknown goes to the other measures of its group, and of a group of which
    nothing is known to the other groups. Points are exact shares of the score, cut to hundredths
    so that they add up to it.
-#}
with measures as (
    select * from {{ ref('int_health_measures') }}
),

cards as (
    select account_id, min_coverage_pct from {{ ref('int_health_scorecards') }}
),

shares as (
    select
        *,
        sum(case when null_reason is null or null_reason <> 'not_applicable' then share end)
            over (partition by account_id, score_group) as applicable_share,
        sum(case when score is not null then share end)
            over (partition by account_id, score_group) as known_share
    from measures
),

group_totals as (
    select
        account_id,
        sum(case when applicable_share > 0 then group_weight else 0 end) as applicable_weight,
        sum(case when known_share > 0 then group_weight else 0 end) as known_weight
    from (
        select distinct account_id, score_group, group_weight, applicable_share, known_share from shares
    ) as score_groups
    group by account_id
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
    inner join group_totals on shares.account_id = group_totals.account_id
),

covered as (
    select
        *,
        cast(round(coalesce(
            sum(case when score is not null then nominal_weight end) over (partition by account_id), 0
        ), 2) as decimal(5, 2)) as coverage_pct
    from weighted
),

used as (
    {#- Under the least coverage there is no score, and so nothing to divide into points. -#}
    select
        covered.*,
        case when covered.coverage_pct >= cards.min_coverage_pct then covered.full_weight end as weight_used
    from covered
    inner join cards on covered.account_id = cards.account_id
),

cut as (
    select
        *,
        {{ largest_remainder('weight_used * score', 'account_id', 'measure') }} as hundredths
    from used
)

select
    account_id,
    version,
    scorecard,
    score_group,
    measure,
    raw_value,
    score,
    null_reason,
    input_newest_at,
    direction,
    anchor_50,
    anchor_75,
    coverage_pct,
    cast(round(coalesce(nominal_weight, 0), 4) as decimal(7, 4)) as nominal_weight,
    cast(round(weight_used, 4) as decimal(7, 4)) as weight_used,
    cast(hundredths / 100.0 as decimal(5, 2)) as points,
    cast(round(weight_used - weight_used * score / 100, 2) as decimal(5, 2)) as points_lost
from cut
