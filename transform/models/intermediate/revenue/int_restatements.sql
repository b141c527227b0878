{#-
    What is known by now of months that are closed, where it is another figure than the one that they
    were closed with: of accounts in their own currency, or in the reporting currency when only that
    differs, and of metrics. Sums of floats differ in their last digits, which is no news.
-#}
with account_months as (
    select * from {{ ref('int_closed_account_mrr') }}
    where frozen_at <= {{ as_of() }}
),

last_closed as (
    select max(month_on) as month_on from account_months
),

known as (
    select computed.* from {{ ref('int_account_mrr') }} as computed
    cross join last_closed
    where computed.month_on <= last_closed.month_on
),

accounts as (
    select
        coalesce(account_months.month_on, known.month_on) as month_on,
        coalesce(account_months.account_id, known.account_id) as account_id,
        account_months.currency as frozen_currency,
        known.currency,
        case when account_months.account_id is null then 0 else account_months.mrr end as frozen,
        case when known.account_id is null then 0 else known.mrr end as recomputed,
        case when account_months.account_id is null then 0 else account_months.mrr_reporting end as frozen_reporting,
        case when known.account_id is null then 0 else known.mrr_reporting end as recomputed_reporting
    from account_months
    full outer join known
        on account_months.account_id = known.account_id and account_months.month_on = known.month_on
),

kpis as (
    select * from {{ ref('int_closed_kpis') }}
    where frozen_at <= {{ as_of() }}
),

valued as (
    select
        kpis.month_on,
        kpis.metric,
        metrics.unit,
        case when kpis.is_quotient then kpis.numerator / nullif(kpis.denominator, 0) else kpis.numerator end as frozen,
        case
            when known_kpis.is_quotient then known_kpis.numerator / nullif(known_kpis.denominator, 0)
            else known_kpis.numerator
        end as recomputed
    from kpis
    inner join {{ ref('int_kpi_revenue') }} as known_kpis
        on kpis.metric = known_kpis.metric and kpis.month_on = known_kpis.month_on
    left join {{ ref('kpi_metrics') }} as metrics on kpis.metric = metrics.metric
),

found as (
    select
        month_on,
        account_id,
        'mrr' as metric,
        coalesce(frozen_currency, currency) as currency,
        cast(frozen as {{ sql_type('ratio') }}) as frozen,
        cast(recomputed as {{ sql_type('ratio') }}) as recomputed
    from accounts
    where coalesce(frozen_currency, currency) = coalesce(currency, frozen_currency) and frozen <> recomputed
    union all
    select
        month_on,
        account_id,
        'mrr' as metric,
        '{{ var("reporting_currency") }}' as currency,
        cast(frozen_reporting as {{ sql_type('ratio') }}) as frozen,
        cast(recomputed_reporting as {{ sql_type('ratio') }}) as recomputed
    from accounts
    where
        not (coalesce(frozen_currency, currency) = coalesce(currency, frozen_currency) and frozen <> recomputed)
        and (frozen_reporting <> recomputed_reporting or (frozen_reporting is null) <> (recomputed_reporting is null))
    union all
    select
        month_on,
        cast(null as {{ dbt.type_string() }}) as account_id,
        metric,
        case when unit = 'money' then '{{ var("reporting_currency") }}' end as currency,
        cast(frozen as {{ sql_type('ratio') }}) as frozen,
        cast(recomputed as {{ sql_type('ratio') }}) as recomputed
    from valued
    where
        abs(frozen - recomputed) > 0.000001 * case when abs(frozen) > 1 then abs(frozen) else 1 end
        or (frozen is null) <> (recomputed is null)
)

select
    month_on,
    account_id,
    metric,
    currency,
    frozen,
    recomputed
from found
