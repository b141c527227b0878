{#-
    What the invoices say about the time before the first load: the last term that began and runs on
    the day. A term that ends before it starts covers no day: it is shown in the month it starts.
-#}
with days as (
    select * from {{ ref('int_mrr_days') }}
),

loads as (
    select source, {{ local_date('min(dbt_valid_from)') }} as first_load_on
    from {{ ref('snap_subscriptions') }}
    where dbt_valid_from <= {{ as_of() }}
    group by source
),

terms as (
    select * from {{ ref('int_invoice_item_terms') }}
),

placings as (
    select * from {{ ref('int_account_placings') }}
),

covering as (
    select
        terms.*,
        days.month_on,
        days.measured_on,
        days.is_month_end,
        coalesce(placings.account_id, terms.account_id) as account_then,
        case
            when terms.ended_on <= days.measured_on then 'ended'
            when
                (terms.paid_on is null or terms.paid_on > days.measured_on)
                and {{ dbt.datediff('terms.due_on', 'days.measured_on', 'day') }}
                > {{ var('past_due_grace_days') }}
                then 'past_due_too_long'
        end as not_counted_because,
        row_number() over (
            partition by terms.source, terms.item_source_id, days.measured_on
            order by
                terms.period_start_at desc,
                case when terms.is_credit then 2 else 1 end,
                terms.issued_on desc,
                terms.line_source_id desc
        ) as choice
    from days
    inner join terms
        on
            days.source = terms.source
            and days.subscription_source_id = terms.subscription_source_id
            and days.measured_on >= terms.period_start_on
            and (
                days.measured_on < terms.period_end_on
                or (
                    terms.term_months is null
                    and cast({{ dbt.date_trunc('month', 'terms.period_start_on') }} as date) = days.month_on
                )
            )
    left join placings
        on
            terms.source = placings.source
            and terms.account_source_id = placings.source_id
            and (placings.from_on is null or days.measured_on >= placings.from_on)
            and (placings.to_on is null or days.measured_on < placings.to_on)
    left join loads on terms.source = loads.source
    where loads.first_load_on is null or days.measured_on < loads.first_load_on
)

select
    source,
    item_source_id,
    subscription_source_id,
    account_then as account_id,
    month_on,
    measured_on,
    is_month_end,
    'invoice' as origin,
    currency,
    product_source_id,
    product_name,
    is_seat_based,
    product_features,
    quantity,
    usage_type,
    cast(term_months as {{ sql_type('ratio') }}) as term_months,
    period_end_on,
    false as is_cancelling,
    not_counted_because,
    case when not_counted_because is null then exception end as exception,
    case when not_counted_because is null and exception is null then {{ money('amount / term_months') }} end
        as gross_mrr,
    case
        when not_counted_because is null and exception is null
            then {{ money('greatest(amount - lasting_discount, 0) / term_months') }}
    end as mrr,
    {#- Invoices tell nothing of what is signed and of what is going to end. -#}
    cast(null as {{ sql_type('money') }}) as contracted_mrr
from covering
where choice = 1
