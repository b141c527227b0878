{#- How many keys of source rows a driver names; how many there are is told beside them. -#}
{%- set most_keys = 20 -%}
with drivers as (
    select * from {{ ref('int_health_reasons') }}
    where basis = 'main'
),

ranked as (
    select
        *,
        row_number() over (
            partition by account_id, measure order by row_at desc, source asc, source_id asc
        ) as recency
    from {{ ref('int_health_source_rows') }}
),

keys as (
    select
        account_id,
        measure,
        count(*) as source_rows,
        {{ dbt.listagg(
            "case when recency <= " ~ most_keys ~ " then source || ':' || source_id end",
            "', '", 'order by recency'
        ) }} as source_row_keys
    from ranked
    group by account_id, measure
)

select
    drivers.account_id,
    drivers.measure,
    drivers.label,
    drivers.score_group,
    drivers.scorecard as health_scorecard,
    drivers.version as health_version,
    drivers.raw_value,
    drivers.unit,
    drivers.direction,
    cast(drivers.anchor_50 as decimal(18, 6)) as red_limit,
    cast(drivers.anchor_75 as decimal(18, 6)) as green_limit,
    drivers.score,
    drivers.band,
    drivers.null_reason,
    drivers.nominal_weight,
    drivers.weight_used,
    drivers.points,
    drivers.points_lost,
    case when drivers.null_reason is null then drivers.reason end as reason,
    cast(drivers.risk_rank as {{ dbt.type_bigint() }}) as risk_rank,
    cast(drivers.strength_rank as {{ dbt.type_bigint() }}) as strength_rank,
    drivers.input_newest_at,
    drivers.is_stale,
    cast(coalesce(keys.source_rows, 0) as {{ dbt.type_bigint() }}) as source_rows,
    keys.source_row_keys,
    {{ as_of() }} as as_of
from drivers
left join keys on drivers.account_id = keys.account_id and drivers.measure = keys.measure
