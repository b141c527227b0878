{#-
    What the invoices say about the time before the first load: the item's line whose period covers
    the day. A discount on a line counts when it came back: on the item's line before or after, or
    on the record as a discount that is not for once.
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

lasting_discounts as (
    select distinct source, subscription_source_id, item_source_id, account_source_id
    from {{ ref('int_discounts') }}
    where coalesce(duration, 'forever') <> 'once'
),

lines as (
    select
        *,
        lag(discount_amount) over (
            partition by source, item_source_id order by period_start_on, issued_on, line_source_id
        ) as discount_before,
        lead(discount_amount) over (
            partition by source, item_source_id order by period_start_on, issued_on, line_source_id
        ) as discount_after
    from {{ ref('int_recurring_invoice_lines') }}
    where coalesce(usage_type, 'licensed') <> 'metered'
),

judged as (
    select
        lines.*,
        case
            when lines.discount_before > 0 or lines.discount_after > 0 then lines.discount_amount
            when exists (
                select 1 from lasting_discounts
                where
                    lasting_discounts.source = lines.source
                    and (
                        lasting_discounts.item_source_id = lines.item_source_id
                        or lasting_discounts.subscription_source_id = lines.subscription_source_id
                        or lasting_discounts.account_source_id = lines.account_source_id
                    )
            ) then lines.discount_amount
            else 0
        end as lasting_discount,
        case
            when lines.account_id is null then 'no_account'
            when lines.currency is null then 'no_currency'
            when lines.term_months is null then 'ends_before_start'
            when lines.amount is null then 'no_price'
            when lines.quantity < 0 then 'negative_quantity'
            when lines.amount < 0 then 'negative_price'
        end as exception
    from lines
),

covering as (
    select
        judged.*,
        months.month_on,
        months.measured_on,
        case
            when judged.ended_on <= months.measured_on then 'ended'
            when
                (judged.paid_on is null or judged.paid_on > months.measured_on)
                and {{ dbt.datediff('judged.due_on', 'months.measured_on', 'day') }}
                > {{ var('past_due_grace_days', 30) }}
                then 'past_due_too_long'
        end as not_counted_because,
        row_number() over (
            partition by judged.source, judged.item_source_id, months.month_on
            order by judged.period_start_on desc, judged.issued_on desc, judged.line_source_id desc
        ) as choice
    from months
    inner join judged
        on
            months.measured_on >= judged.period_start_on
            and (months.measured_on < judged.period_end_on or judged.period_end_on <= judged.period_start_on)
    left join loads on judged.source = loads.source
    where
        (loads.first_load_on is null or months.measured_on < loads.first_load_on)
        {#- A period that ends before it starts covers no day: it is shown once, in the month it starts. -#}
        and (
            judged.term_months is not null
            or cast({{ dbt.date_trunc('month', 'judged.period_start_on') }} as date) = months.month_on
        )
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
