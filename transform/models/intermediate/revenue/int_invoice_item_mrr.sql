{#-
    What the invoices say about the time before the first load: the last term that began and runs on
    the day. A term that ends before it starts covers no day: it is shown in the month it starts.
-#}
with months as (
    select * from {{ ref('int_mrr_months') }}
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

covering as (
    select
        terms.*,
        months.month_on,
        months.measured_on,
        case
            when terms.ended_on <= months.measured_on then 'ended'
            when
                (terms.paid_on is null or terms.paid_on > months.measured_on)
                and {{ dbt.datediff('terms.due_on', 'months.measured_on', 'day') }}
                > {{ var('past_due_grace_days') }}
                then 'past_due_too_long'
        end as not_counted_because,
        row_number() over (
            partition by terms.source, terms.item_source_id, months.month_on
            order by
                terms.period_start_at desc,
                case when terms.is_credit then 2 else 1 end,
                terms.issued_on desc,
                terms.line_source_id desc
        ) as choice
    from months
    inner join terms
        on
            months.measured_on >= terms.period_start_on
            and (
                months.measured_on < terms.period_end_on
                or (
                    terms.term_months is null
                    and cast({{ dbt.date_trunc('month', 'terms.period_start_on') }} as date) = months.month_on
                )
            )
    left join loads on terms.source = loads.source
    where loads.first_load_on is null or months.measured_on < loads.first_load_on
)

select
    source,
    item_source_id,
    subscription_source_id,
    account_id,
    month_on,
    measured_on,
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
    end as mrr
from covering
where choice = 1
