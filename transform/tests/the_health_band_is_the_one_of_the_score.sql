select
    health.account_id,
    health.health_score,
    health.health_band,
    bands.band
from {{ ref('customer_health') }} as health
left join {{ ref('health_bands') }} as bands
    on
        health.health_version = bands.version
        and health.health_score >= bands.from_score
        and (bands.below_score is null or health.health_score < bands.below_score)
where health.health_band <> coalesce(bands.band, 'unknown')
