{%- set catalog = health_measure_catalog() -%}
with facts as (
    select * from {{ ref('int_health_facts') }}
),

cards as (
    select * from {{ ref('int_health_scorecards') }}
),

sources as (
    select kind, min(newest_record_at) as newest_record_at
    from {{ ref('int_freshness') }}
    group by kind
),

card_groups as (
    select version, scorecard, score_group, group_weight from {{ ref('health_scorecards') }}
    where group_weight > 0
),

definitions as (
    select * from {{ ref('health_measures') }}
),

raw_values as (
    {%- for measure, how in catalog.items() %}
    select
        account_id,
        '{{ measure }}' as measure,
        '{{ how.kind }}' as kind,
        has_{{ how.kind }} as is_mapped,
        cast({{ how.value }} as {{ sql_type('ratio') }}) as raw_value,
        {{ how.gap or 'cast(null as ' ~ dbt.type_string() ~ ')' }} as gap,
        {{ how.sample or 'cast(null as ' ~ dbt.type_bigint() ~ ')' }} as sample_size
    from facts
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

wanted as (
    {#- Every measure of the scorecard's groups, also those that are not for this account's tier. -#}
    select distinct
        cards.account_id,
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

judged as (
    select
        wanted.*,
        definitions.share,
        definitions.direction,
        definitions.anchor_0,
        definitions.anchor_50,
        definitions.anchor_75,
        definitions.anchor_100,
        raw_values.raw_value,
        sources.newest_record_at as input_newest_at,
        {#- Why the value cannot be known; NULL when it is known, a true zero included. First match. -#}
        case
            when definitions.measure is null then 'not_applicable'
            when sources.kind is null then 'source_off'
            when wanted.tenure_days < definitions.min_tenure_days
                then {{ fill("'first_{days}_days'", {'days': whole('definitions.min_tenure_days')}) }}
            when not raw_values.is_mapped then 'unmapped'
            when
                sources.newest_record_at is null
                or {{ dbt.datediff(
                    'sources.newest_record_at', as_of(), 'day'
                ) }} > definitions.ttl_days
                then 'stale'
            when raw_values.gap is not null then raw_values.gap
            when raw_values.sample_size < definitions.min_sample then 'sample_too_small'
            when raw_values.raw_value is null then 'no_value'
        end as null_reason
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
    left join raw_values
        on wanted.account_id = raw_values.account_id and wanted.measure = raw_values.measure
    left join sources on raw_values.kind = sources.kind
)

select
    account_id,
    version,
    scorecard,
    score_group,
    measure,
    group_weight,
    share,
    case when null_reason is null then raw_value end as raw_value,
    null_reason,
    input_newest_at,
    direction,
    anchor_50,
    anchor_75,
    cast(round(
        case when null_reason is null then {{ score_by_anchors('raw_value', 'direction') }} end, 2
    ) as decimal(5, 2)) as score
from judged
