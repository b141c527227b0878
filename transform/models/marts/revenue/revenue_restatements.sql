{#-
    A log: a row is added when a closed figure turns out to be another one, again when it changes once
    more, and when it comes back to what was published. A replay writes nothing.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    on_schema_change='append_new_columns',
) }}
with known as (
    select * from {{ ref('int_restatements') }}
),
{% if is_incremental() %}
logged as (
    select
        *,
        row_number() over (partition by month_on, account_id, metric order by noticed_at desc) as recency
    from {{ this }}
),

last_logged as (
    select * from logged
    where recency = 1
),

last_look as (
    select max(noticed_at) as noticed_at from logged
),

news as (
    select
        coalesce(known.month_on, last_logged.month_on) as month_on,
        coalesce(known.account_id, last_logged.account_id) as account_id,
        coalesce(known.metric, last_logged.metric) as metric,
        case when known.metric is null then last_logged.currency else known.currency end as currency,
        case when known.metric is null then last_logged.frozen else known.frozen end as frozen,
        case when known.metric is null then last_logged.frozen else known.recomputed end as recomputed
    from known
    full outer join last_logged
        on
            known.month_on = last_logged.month_on
            and coalesce(known.account_id, '') = coalesce(last_logged.account_id, '')
            and known.metric = last_logged.metric
    cross join last_look
    where
        (last_look.noticed_at is null or last_look.noticed_at <= {{ as_of() }})
        and (
            last_logged.metric is null
            or known.metric is null and coalesce(last_logged.frozen <> last_logged.recomputed, true)
            or abs(known.recomputed - last_logged.recomputed)
            > 0.000001 * case when abs(known.recomputed) > 1 then abs(known.recomputed) else 1 end
            or (known.metric is not null and (known.recomputed is null) <> (last_logged.recomputed is null))
        )
)
{% else %}
news as (
    select * from known
)
{% endif %}
select
    month_on,
    account_id,
    metric,
    currency,
    frozen,
    recomputed,
    cast(recomputed - frozen as {{ sql_type('ratio') }}) as difference,
    {{ as_of() }} as noticed_at
from news
