{#-
    What came up for renewal: items of a term of half a year or more whose paid period ends in a
    month, seen at the end of the month before, and what they bring at the end of that month.
-#}
with items as (
    select * from {{ ref('int_item_mrr') }}
    where account_id is not null
),

months as (
    select * from {{ ref('int_mrr_months') }}
),

rates as (
    select * from {{ ref('int_exchange_rates') }}
),

due as (
    select
        months.month_on as due_month_on,
        months.measured_on,
        months.is_closed,
        items.*
    from months
    inner join items
        on
            cast({{ dbt.dateadd('month', -1, 'months.month_on') }} as date) = items.month_on
            and months.month_on <= items.period_end_on
            and cast({{ dbt.dateadd('month', 1, 'months.month_on') }} as date) > items.period_end_on
    where items.mrr > 0 and items.term_months >= {{ var('renewal_min_term_months') }}
)

select
    due.source,
    due.item_source_id,
    due.subscription_source_id,
    due.account_id,
    due.due_month_on,
    due.period_end_on as due_on,
    due.currency,
    due.product_name,
    due.is_cancelling as had_notice,
    due.is_closed,
    after.not_counted_because,
    {{ money('12 * due.mrr') }} as arr_due,
    {{ money('12 * coalesce(after.mrr, 0)') }} as arr_after,
    rates.rate,
    case
        when due.period_end_on > due.measured_on then 'open'
        when after.mrr > due.mrr then 'expanded'
        when after.mrr = due.mrr then 'renewed'
        when after.mrr > 0 then 'contracted'
        when after.not_counted_because in ('past_due_too_long', 'unpaid') then 'late'
        when not due.is_closed and after.mrr is null and after.exception is null and after.item_source_id is null
            then 'open'
        else 'lost'
    end as outcome
from due
left join items as after
    on
        due.source = after.source
        and due.item_source_id = after.item_source_id
        and due.due_month_on = after.month_on
left join rates
    on
        due.currency = rates.currency
        and due.measured_on >= rates.valid_from
        and (rates.valid_to is null or due.measured_on < rates.valid_to)
