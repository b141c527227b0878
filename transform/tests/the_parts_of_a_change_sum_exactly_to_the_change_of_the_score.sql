select
    health.account_id,
    health.health_delta_28d,
    sum(changes.behaviour_change + changes.definition_change + changes.late_data_change) as parts
from {{ ref('customer_health') }} as health
full outer join {{ ref('health_score_changes') }} as changes on health.account_id = changes.account_id
group by health.account_id, health.health_delta_28d
having
    sum(changes.behaviour_change + changes.definition_change + changes.late_data_change) <> health.health_delta_28d
    or (count(changes.measure) = 0) <> (health.health_delta_28d is null)
