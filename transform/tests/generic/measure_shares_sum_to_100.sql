{#-
    Tier, tenure and group for which the measures of a scorecard do not sum to 100 percent. It fails
    on gaps and overlaps of tenure bands too. A group without any measure for a tier is allowed: its
    weight goes to the other groups.
-#}
{% test measure_shares_sum_to_100(model) %}
    with cards as (
        select distinct version, scorecard, score_group from {{ ref('health_scorecards') }}
        where group_weight > 0
    ),

    touch_tiers as (
        select 'high' as touch_tier union all select 'low' as touch_tier union all select 'tech' as touch_tier
    ),

    starts as (
        select distinct version, tenure_from_days as tenure_days from {{ model }}
        union
        select distinct version, tenure_to_days as tenure_days from {{ model }}
        where tenure_to_days is not null
    )

    select
        cards.version,
        cards.scorecard,
        cards.score_group,
        touch_tiers.touch_tier,
        starts.tenure_days,
        sum(measures.share) as total
    from cards
    cross join touch_tiers
    inner join starts on cards.version = starts.version
    inner join {{ model }} as measures
        on
            cards.version = measures.version
            and cards.score_group = measures.score_group
            and measures.scorecard in ('all', cards.scorecard)
            and measures.touch_tier in ('all', touch_tiers.touch_tier)
            and starts.tenure_days >= measures.tenure_from_days
            and (measures.tenure_to_days is null or starts.tenure_days < measures.tenure_to_days)
    group by 1, 2, 3, 4, 5
    having sum(measures.share) <> 100
{% endtest %}
