{#- Metered use has no price in advance: its MRR is the mean of what was invoiced lately. -#}
with months as (
    select * from {{ ref('int_mrr_months') }}
),

lines as (
    select * from {{ ref('int_recurring_invoice_lines') }}
    where usage_type = 'metered' and not is_proration and account_id is not null and currency is not null
),

begun as (
    select account_id, currency, min(period_start_on) as begun_on
    from lines
    group by account_id, currency
),

invoiced as (
    select
        lines.account_id,
        lines.currency,
        months.month_on,
        months.measured_on,
        sum(lines.amount - lines.discount_amount) as amount
    from months
    inner join lines
        on
            months.measured_on >= lines.period_end_on
            and {{ dbt.dateadd('month', -var('usage_mean_months'), 'months.measured_on') }} < lines.period_end_on
            and (lines.ended_on is null or months.measured_on < lines.ended_on)
    group by lines.account_id, lines.currency, months.month_on, months.measured_on
)

select
    invoiced.account_id,
    invoiced.currency,
    invoiced.month_on,
    invoiced.measured_on,
    {#- A younger history is divided by its own length, at least by one month. -#}
    {{ money(
        'greatest(invoiced.amount, 0) / greatest(1, least(' ~ var('usage_mean_months') ~ ', '
        ~ dbt.datediff('begun.begun_on', 'invoiced.measured_on', 'month') ~ '))'
    ) }} as usage_mrr
from invoiced
inner join begun
    on invoiced.account_id = begun.account_id and invoiced.currency = begun.currency
