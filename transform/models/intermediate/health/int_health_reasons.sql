{#- Each driver in plain words. What is below green is a risk and speaks so, the rest is a strength. -#}
with drivers as (
    select * from {{ ref('int_health_drivers') }}
),

bands as (
    select * from {{ ref('health_bands') }}
),

texts as (
    select * from {{ ref('health_reasons') }}
),

banded as (
    select
        drivers.*,
        bands.band,
        texts.label,
        texts.unit,
        case when bands.band = 'green' then texts.strength_text else texts.risk_text end as template
    from drivers
    left join bands
        on
            drivers.version = bands.version
            and drivers.score >= bands.from_score
            and (bands.below_score is null or drivers.score < bands.below_score)
    left join texts on drivers.measure = texts.measure
)

select
    *,
    {{ fill('template', {
        'value': "case when unit in ('share', 'change') then " ~ percent('abs(raw_value)')
            ~ " when unit = 'points' then cast(cast(round(raw_value, 1) as decimal(5, 1)) as " ~ dbt.type_string()
            ~ ") when unit = 'colour' then case raw_value when 0 then 'red' when 1 then 'yellow' else 'green' end"
            ~ " else " ~ whole('raw_value') ~ " end",
        'signed': "case when raw_value >= 0 then '+' else '-' end || " ~ percent('abs(raw_value)'),
        'limit': "case when unit in ('share', 'change') then " ~ percent('abs(anchor_75)')
            ~ " else " ~ whole('floor(anchor_75)') ~ " end",
    }) }} as reason,
    case
        when band <> 'green' and weight_used > 0
            then row_number() over (
                partition by basis, account_id, day
                order by
                    case when band <> 'green' and weight_used > 0 then 1 else 2 end asc,
                    points_lost desc,
                    measure asc
            )
    end as risk_rank,
    case
        when band = 'green' and weight_used > 0
            then row_number() over (
                partition by basis, account_id, day
                order by
                    case when band = 'green' and weight_used > 0 then 1 else 2 end asc,
                    points desc,
                    measure asc
            )
    end as strength_rank
from banded
