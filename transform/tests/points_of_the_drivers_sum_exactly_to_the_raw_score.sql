select
    health.account_id,
    health.health_raw_score,
    sum(drivers.points) as points
from {{ ref('customer_health') }} as health
inner join {{ ref('health_score_drivers') }} as drivers on health.account_id = drivers.account_id
group by health.account_id, health.health_raw_score
having
    sum(drivers.points) <> health.health_raw_score
    or (sum(drivers.points) is null) <> (health.health_raw_score is null)
