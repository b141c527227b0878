with cards as (
    select * from {{ ref('int_health_scorecards') }}
),

inputs as (
    select * from {{ ref('int_health_case_inputs') }}
),

card_groups as (
    select version, scorecard, score_group, group_weight from {{ ref('health_scorecards') }}
    where group_weight > 0
),

definitions as (
    select * from {{ ref('health_measures') }}
),

wanted as (
    {#- Every measure of the scorecard's groups, also those that are not for this account's tier. -#}
    select distinct
        cards.basis,
        cards.account_id,
        cards.day,
        cards.touch_tier,
        cards.tenure_days,
        cards.version,
        cards.scorecard,
        card_groups.score_group,
        card_groups.group_weight,
        definitions.measure
    from cards
    inner join card_groups
        on cards.version = card_groups.version and cards.scorecard = card_groups.scorecard
    inner join definitions
        on card_groups.version = definitions.version and card_groups.score_group = definitions.score_group
    where definitions.scorecard in ('all', cards.scorecard)
),

joined as (
    select
        wanted.*,
        definitions.share,
        definitions.direction,
        definitions.anchor_0,
        definitions.anchor_50,
        definitions.anchor_75,
        definitions.anchor_100,
        definitions.ttl_days,
        definitions.stale_days,
        definitions.min_tenure_days,
        definitions.min_sample,
        definitions.measure is not null as is_applicable,
        inputs.raw_value,
        inputs.null_reason as input_null_reason,
        inputs.sample_size,
        inputs.input_at as input_newest_at,
        {{ dbt.datediff(
            local_date('inputs.input_at'), 'wanted.day', 'day'
        ) }} as input_age_days
    from wanted
    left join definitions
        on
            wanted.version = definitions.version
            and wanted.score_group = definitions.score_group
            and wanted.measure = definitions.measure
            and definitions.scorecard in ('all', wanted.scorecard)
            and (definitions.touch_tier = 'all' or wanted.touch_tier = definitions.touch_tier)
            and wanted.tenure_days >= definitions.tenure_from_days
            and (definitions.tenure_to_days is null or wanted.tenure_days < definitions.tenure_to_days)
    left join inputs
        on
            wanted.basis = inputs.basis
            and wanted.account_id = inputs.account_id
            and wanted.day = inputs.day
            and wanted.measure = inputs.measure
),

judged as (
    select
        joined.*,
        {#- Why the value cannot be known; NULL when it is known, a true zero included. First match. -#}
        case
            when not is_applicable then 'not_applicable'
            when coalesce(input_null_reason, '') = 'source_off' then 'source_off'
            when tenure_days < min_tenure_days
                then {{ fill("'first_{days}_days'", {'days': whole('min_tenure_days')}) }}
            when coalesce(input_null_reason, '') = 'unmapped' then 'unmapped'
            when input_newest_at is null or input_age_days > ttl_days then 'stale'
            when input_null_reason is not null then input_null_reason
            when sample_size < min_sample then 'sample_too_small'
            when raw_value is null then 'no_value'
        end as null_reason
    from joined
)

select
    basis,
    account_id,
    day,
    version,
    scorecard,
    score_group,
    measure,
    group_weight,
    share,
    case when null_reason is null then raw_value end as raw_value,
    null_reason,
    coalesce(is_applicable and tenure_days < min_tenure_days, false) as is_too_early,
    input_newest_at,
    coalesce(null_reason is null and input_age_days > stale_days, false) as is_stale,
    direction,
    anchor_50,
    anchor_75,
    cast(round(
        case when null_reason is null then {{ score_by_anchors('raw_value', 'direction') }} end, 2
    ) as decimal(5, 2)) as score
from judged
