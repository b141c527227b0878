{#-
    A day costs a day: the scores of as_of are appended, and replace those of the same day and version.
    Days that are scored again (vars rescore_*) replace theirs, and no others.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_scores() }}",
) }}
with subjects as (
    select * from {{ ref('int_health_subjects') }}
),
{% if is_incremental() %}
recorded as (
    {{ history_days() }}
),
{% endif %}
scored as (
    select
        scores.*,
        subjects.touch_tier,
        subjects.arr,
        versions.definition_hash
    from {{ ref('int_health_scores') }} as scores
    inner join subjects on scores.account_id = subjects.account_id and scores.day = subjects.day
    inner join {{ ref('int_health_versions') }} as versions on scores.version = versions.version
    {%- if is_incremental() and not scoring_again() %}
    cross join recorded
    where scores.basis = 'main' and ({{ is_to_be_stored() }})
    {%- else %}
    where scores.basis = 'main'
    {%- endif %}
),

past as (
    select account_id, day, version, score, is_in_force from scored
    {%- if is_incremental() %}
    union all
    select account_id, day, health_version as version, health_score as score, is_in_force from {{ this }}
    {%- endif %}
),

changes as (
    {{ score_changes('scored', 'past') }}
)

select
    scored.account_id,
    scored.day,
    scored.version as health_version,
    scored.is_in_force,
    scored.scorecard as health_scorecard,
    scored.touch_tier,
    cast(scored.tenure_days as {{ dbt.type_bigint() }}) as tenure_days,
    cast(scored.arr as {{ sql_type('money') }}) as arr,
    scored.raw_score as health_raw_score,
    scored.score as health_score,
    scored.band as health_band,
    scored.cap as health_cap,
    scored.null_reason as health_null_reason,
    scored.coverage_pct as health_coverage_pct,
    scored.connected_pct as health_connected_pct,
    scored.override_kind as health_override,
    scored.override_author as health_override_by,
    scored.override_reason as health_override_reason,
    scored.override_expires_on as health_override_expires_on,
    changes.delta_7d as health_delta_7d,
    changes.delta_28d as health_delta_28d,
    changes.delta_90d as health_delta_90d,
    scored.confidence as health_confidence,
    scored.definition_hash,
    {{ loaded_at() }} as loaded_at
from scored
left join changes
    on
        scored.account_id = changes.account_id
        and scored.day = changes.day
        and scored.version = changes.version
