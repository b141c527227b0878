{#-
    A recurring line says what an item costs for its period. A discount on it counts when it came
    back: on the item's line before or after, or on the record as a discount that is not for once.
    A proration is no revenue, but it tells what the item costs from the change to the end of the
    period: at the same price the line it corrects, for another quantity; at another price its own
    amount, stretched to the whole period. A credit without a charge at the same moment ends the item.
-#}
with lines as (
    select * from {{ ref('int_recurring_invoice_lines') }}
    where coalesce(usage_type, 'licensed') <> 'metered'
),

lasting_discounts as (
    select distinct source, subscription_source_id, item_source_id, account_source_id
    from {{ ref('int_discounts') }}
    where coalesce(duration, 'forever') <> 'once'
),

recurring as (
    select
        *,
        lag(discount_amount) over (
            partition by source, item_source_id order by period_start_at, issued_on, line_source_id
        ) as discount_before,
        lead(discount_amount) over (
            partition by source, item_source_id order by period_start_at, issued_on, line_source_id
        ) as discount_after
    from lines
    where not is_proration
),

netted as (
    select
        recurring.*,
        case
            when recurring.discount_before > 0 or recurring.discount_after > 0 then recurring.discount_amount
            when exists (
                select 1 from lasting_discounts
                where
                    lasting_discounts.source = recurring.source
                    and (
                        lasting_discounts.item_source_id = recurring.item_source_id
                        or lasting_discounts.subscription_source_id = recurring.subscription_source_id
                        or lasting_discounts.account_source_id = recurring.account_source_id
                    )
            ) then recurring.discount_amount
            else 0
        end as lasting_discount
    from recurring
),

corrected as (
    select
        lines.*,
        netted.line_source_id as base_line,
        netted.amount as base_amount,
        netted.quantity as base_quantity,
        netted.lasting_discount as base_discount,
        netted.term_months as base_term,
        coalesce(netted.price_source_id, '') = coalesce(lines.price_source_id, '') as is_same_price,
        {{ dbt.datediff(
            'netted.period_start_at', 'netted.period_end_at', 'second'
        ) }} as base_seconds,
        {{ dbt.datediff(
            'lines.period_start_at', 'lines.period_end_at', 'second'
        ) }} as own_seconds,
        row_number() over (
            partition by lines.source, lines.line_source_id
            order by netted.period_start_at desc, netted.issued_on desc, netted.line_source_id desc
        ) as choice
    from lines
    left join netted
        on
            lines.source = netted.source
            and lines.item_source_id = netted.item_source_id
            and lines.period_start_at >= netted.period_start_at
            and lines.period_start_at < netted.period_end_at
    where lines.is_proration
),

terms as (
    select
        {%- set carried = [
            'source', 'line_source_id', 'subscription_source_id', 'item_source_id', 'account_source_id', 'account_id',
            'currency',
            'product_source_id', 'product_name', 'is_seat_based', 'product_features', 'quantity', 'usage_type',
            'period_start_at', 'period_start_on', 'period_end_on', 'issued_on', 'due_on', 'paid_on', 'ended_on',
        ] %}
        {{ carried | join(',\n        ') }},
        amount,
        lasting_discount,
        term_months,
        false as is_credit
    from netted
    union all
    select
        {{ carried | join(',\n        ') }},
        case
            when amount < 0 then 0
            when is_same_price and base_quantity > 0 and quantity is not null
                then base_amount * quantity / base_quantity
            when base_line is not null and own_seconds > 0 then amount * base_seconds / own_seconds
            else amount
        end as amount,
        case
            when amount >= 0 and is_same_price and base_quantity > 0 and quantity is not null
                then base_discount * quantity / base_quantity
            else 0
        end as lasting_discount,
        case
            when own_seconds <= 0 then null
            when base_line is not null then base_term
            else own_seconds / 86400.0 * 12 / 365
        end as term_months,
        amount < 0 as is_credit
    from corrected
    where choice = 1
)

select
    *,
    case
        when account_id is null then 'no_account'
        when currency is null then 'no_currency'
        when term_months is null then 'ends_before_start'
        when amount is null then 'no_price'
        when quantity < 0 then 'negative_quantity'
        when amount < 0 then 'negative_price'
    end as exception
from terms
