{#- The newest day that each version has scored beside the one in force: `make rescore` makes them. -#}
with stored as (
    select * from {{ ref('customer_health_history') }}
),

newest as (
    select health_version, max(day) as day from stored
    where not is_in_force
    group by health_version
)

select
    other.account_id,
    other.health_version,
    other.day,
    held.health_version as health_version_in_force,
    held.health_score as score_in_force,
    other.health_score,
    cast(other.health_score - held.health_score as decimal(5, 2)) as score_change,
    held.health_band as band_in_force,
    other.health_band,
    other.health_band <> held.health_band as is_in_another_band,
    held.health_coverage_pct as coverage_pct_in_force,
    other.health_coverage_pct,
    other.arr,
    {{ as_of() }} as as_of
from newest
inner join stored as other
    on newest.health_version = other.health_version and newest.day = other.day and not other.is_in_force
inner join stored as held
    on other.account_id = held.account_id and other.day = held.day and held.is_in_force
