{#-
    Accounts by the month in which they first paid, and what is left of them so many months later.
    All amounts of a cohort are at the rate of its first month. A month that is not over yet has
    no figure: it could only grow worse.
-#}
with paid as (
    select account_id, currency, month_on, is_closed, mrr from {{ ref('int_account_currency_mrr') }}
),

begun as (
    select account_id, min(month_on) as cohort_on
    from paid
    where mrr > 0
    group by 1
),

first_rates as (
    select rates.currency, months.month_on, rates.rate
    from {{ ref('int_mrr_months') }} as months
    inner join {{ ref('int_exchange_rates') }} as rates
        on
            months.measured_on >= rates.valid_from
            and (rates.valid_to is null or months.measured_on < rates.valid_to)
),

balances as (
    select
        begun.account_id,
        begun.cohort_on,
        paid.month_on,
        paid.is_closed,
        sum(paid.mrr) as native_mrr,
        sum(case when paid.mrr = 0 then 0 else paid.mrr * first_rates.rate end) as mrr,
        count(case when paid.mrr > 0 and first_rates.rate is null then 1 end) > 0 as is_unknown
    from begun
    inner join paid on begun.account_id = paid.account_id and begun.cohort_on <= paid.month_on
    left join first_rates
        on paid.currency = first_rates.currency and begun.cohort_on = first_rates.month_on
    group by 1, 2, 3, 4
),

unknown as (
    select distinct account_id from balances
    where is_unknown
),

cells as (
    select
        balances.cohort_on,
        {{ dbt.datediff(
            'balances.cohort_on', 'balances.month_on', 'month'
        ) }} as age_months,
        balances.month_on,
        balances.is_closed,
        count(*) as accounts,
        count(case when balances.native_mrr > 0 then 1 end) as accounts_left,
        sum(case when unknown.account_id is null then balances.mrr end) as mrr_left,
        count(unknown.account_id) as accounts_without_rate
    from balances
    left join unknown on balances.account_id = unknown.account_id
    group by 1, 2, 3, 4
),

starts as (
    select cohort_on, mrr_left as mrr_at_start from cells
    where age_months = 0
)

select
    cells.cohort_on,
    cast(cells.age_months as {{ dbt.type_bigint() }}) as age_months,
    cells.month_on,
    cast(cells.accounts as {{ dbt.type_bigint() }}) as accounts,
    cast(case when cells.is_closed then cells.accounts_left end as {{ dbt.type_bigint() }}) as accounts_left,
    cast(
        case when cells.is_closed then cast(cells.accounts_left as {{ sql_type('ratio') }}) / cells.accounts end
        as {{ sql_type('ratio') }}
    ) as logo_retention,
    {{ money('starts.mrr_at_start') }} as mrr_at_start,
    {{ money('case when cells.is_closed then cells.mrr_left end') }} as mrr_left,
    cast(
        case when cells.is_closed then cells.mrr_left / nullif(starts.mrr_at_start, 0) end
        as {{ sql_type('ratio') }}
    ) as revenue_retention,
    cast(cells.accounts_without_rate as {{ dbt.type_bigint() }}) as accounts_without_rate,
    '{{ var("reporting_currency") }}' as reporting_currency,
    {{ as_of() }} as as_of
from cells
inner join starts on cells.cohort_on = starts.cohort_on
