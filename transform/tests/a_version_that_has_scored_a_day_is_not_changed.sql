{#- A number is changed in a version of its own: see "Change a number" in docs/health.md. -#}
select
    stored.health_version,
    count(*) as scores_under_other_numbers,
    max(stored.day) as last_day
from {{ ref('customer_health_history') }} as stored
inner join {{ ref('int_health_versions') }} as versions on stored.health_version = versions.version
where stored.definition_hash <> versions.definition_hash
group by stored.health_version
