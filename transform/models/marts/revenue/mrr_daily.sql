{#-
    Every day on which an account's MRR in a currency, or the rate of the currency, became another
    one. Each subscription is looked at on all its days; what it brings more or less than on the day
    before is a step, and the MRR of a day is the sum of all steps up to it.
-#}
with days as (
    select source, subscription_source_id, measured_on from {{ ref('int_mrr_days') }}
),

amounts as (
    select
        source,
        subscription_source_id,
        account_id,
        currency,
        measured_on,
        sum(mrr) as mrr
    from {{ ref('int_item_mrr_days') }}
    where mrr > 0 and account_id is not null
    group by source, subscription_source_id, account_id, currency, measured_on
),

payers as (
    select source, subscription_source_id, account_id, currency, min(measured_on) as from_on
    from amounts
    group by source, subscription_source_id, account_id, currency
),

held as (
    {#- On a day without an amount there is none: it ended, or pauses, or is unknown. -#}
    select
        payers.account_id,
        payers.currency,
        days.measured_on,
        coalesce(amounts.mrr, 0)
        - lag(coalesce(amounts.mrr, 0), 1, 0) over (
            partition by payers.source, payers.subscription_source_id, payers.account_id, payers.currency
            order by days.measured_on
        ) as step
    from payers
    inner join days
        on
            payers.source = days.source
            and payers.subscription_source_id = days.subscription_source_id
            and payers.from_on <= days.measured_on
    left join amounts
        on
            payers.source = amounts.source
            and payers.subscription_source_id = amounts.subscription_source_id
            and payers.account_id = amounts.account_id
            and payers.currency = amounts.currency
            and days.measured_on = amounts.measured_on
),

steps as (
    select account_id, currency, measured_on as from_on, sum(step) as step
    from held
    where step <> 0
    group by account_id, currency, measured_on
    having sum(step) <> 0
),

first_steps as (
    select account_id, currency, min(from_on) as from_on from steps
    group by account_id, currency
),

rates as (
    select
        *,
        lag(rate) over (partition by currency order by valid_from) as rate_before
    from {{ ref('int_exchange_rates') }}
),

starts as (
    select account_id, currency, from_on, step from steps
    union all
    select first_steps.account_id, first_steps.currency, rates.valid_from as from_on, 0 as step
    from first_steps
    inner join rates
        on
            first_steps.currency = rates.currency
            and first_steps.from_on < rates.valid_from
            and {{ as_of_day() }} >= rates.valid_from
            and rates.rate <> rates.rate_before
),

summed as (
    select account_id, currency, from_on, sum(step) as step
    from starts
    group by account_id, currency, from_on
),

followed as (
    select
        account_id,
        currency,
        from_on,
        step,
        sum(step) over (
            partition by account_id, currency order by from_on
            rows between unbounded preceding and current row
        ) as mrr
    from summed
),

ranges as (
    {#- Nothing is nothing at any rate. -#}
    select
        account_id,
        currency,
        from_on,
        lead(from_on) over (partition by account_id, currency order by from_on) as to_on,
        mrr
    from followed
    where step <> 0 or mrr > 0
)

select
    ranges.account_id,
    ranges.currency,
    ranges.from_on,
    ranges.to_on,
    {{ money('ranges.mrr') }} as mrr,
    '{{ var("reporting_currency") }}' as reporting_currency,
    case when ranges.mrr = 0 then 0 else {{ money('ranges.mrr * rates.rate') }} end as mrr_reporting,
    {{ money('12 * case when ranges.mrr = 0 then 0 else ranges.mrr * rates.rate end') }} as arr_reporting,
    {{ as_of() }} as as_of
from ranges
left join rates
    on
        ranges.currency = rates.currency
        and ranges.from_on >= rates.valid_from
        and (rates.valid_to is null or ranges.from_on < rates.valid_to)
