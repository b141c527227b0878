{#-
    Discounts in the order item, subscription, customer; inside one of these the percentages first
    (they multiply), then the amounts. An amount comes off once per invoice: it becomes a month's
    share by the shortest term among the items it is spread over, in proportion to what is left
    of each. Nothing falls below zero.
-#}
with items as (
    select * from {{ ref('int_subscription_item_prices') }}
),

pairs as (
    select * from {{ ref('int_discount_pairs') }}
    where not is_other_currency
),

percentages as (
    select
        source,
        item_source_id,
        measured_on,
        scope,
        {{ product_of('1 - least(percent_off, 100) / 100') }} as factor
    from pairs
    where percent_off is not null
    group by source, item_source_id, measured_on, scope
),

start_0 as (
    select source, item_source_id, measured_on, gross_mrr as remaining
    from items
    where (not_counted_because is null or not_counted_because = 'not_started') and exception is null
),
{% for scope in ['item', 'subscription', 'customer'] %}
reduced_{{ loop.index }} as (
    select
        start_{{ loop.index0 }}.source,
        start_{{ loop.index0 }}.item_source_id,
        start_{{ loop.index0 }}.measured_on,
        start_{{ loop.index0 }}.remaining * coalesce(percentages.factor, 1) as remaining
    from start_{{ loop.index0 }}
    left join percentages
        on
            start_{{ loop.index0 }}.source = percentages.source
            and start_{{ loop.index0 }}.item_source_id = percentages.item_source_id
            and start_{{ loop.index0 }}.measured_on = percentages.measured_on
            and percentages.scope = '{{ scope }}'
),

amounts_{{ loop.index }} as (
    select
        pairs.source,
        pairs.item_source_id,
        pairs.measured_on,
        pairs.amount_off
        / min(pairs.term_months) over (
            partition by pairs.source, pairs.discount_source_id, pairs.subscription_source_id, pairs.measured_on
        ) as amount_per_month,
        reduced_{{ loop.index }}.remaining,
        sum(reduced_{{ loop.index }}.remaining) over (
            partition by pairs.source, pairs.discount_source_id, pairs.subscription_source_id, pairs.measured_on
        ) as remaining_together
    from pairs
    inner join reduced_{{ loop.index }}
        on
            pairs.source = reduced_{{ loop.index }}.source
            and pairs.item_source_id = reduced_{{ loop.index }}.item_source_id
            and pairs.measured_on = reduced_{{ loop.index }}.measured_on
    where pairs.scope = '{{ scope }}' and pairs.amount_off is not null
),

shares_{{ loop.index }} as (
    select
        source,
        item_source_id,
        measured_on,
        sum(case
            when remaining_together > 0 then amount_per_month * remaining / remaining_together else 0
        end) as amount_off
    from amounts_{{ loop.index }}
    group by source, item_source_id, measured_on
),

start_{{ loop.index }} as (
    select
        reduced_{{ loop.index }}.source,
        reduced_{{ loop.index }}.item_source_id,
        reduced_{{ loop.index }}.measured_on,
        greatest(reduced_{{ loop.index }}.remaining - coalesce(shares_{{ loop.index }}.amount_off, 0), 0)
            as remaining
    from reduced_{{ loop.index }}
    left join shares_{{ loop.index }}
        on
            reduced_{{ loop.index }}.source = shares_{{ loop.index }}.source
            and reduced_{{ loop.index }}.item_source_id = shares_{{ loop.index }}.item_source_id
            and reduced_{{ loop.index }}.measured_on = shares_{{ loop.index }}.measured_on
),
{% endfor %}
counted as (
    select source, item_source_id, measured_on, {{ money('remaining') }} as mrr from start_3
)

select
    items.source,
    items.item_source_id,
    items.subscription_source_id,
    items.account_id,
    items.month_on,
    items.measured_on,
    items.is_month_end,
    'snapshot' as origin,
    items.currency,
    items.product_source_id,
    items.product_name,
    items.is_seat_based,
    items.product_features,
    items.quantity,
    items.usage_type,
    cast(items.term_months as {{ sql_type('ratio') }}) as term_months,
    items.period_end_on,
    items.is_cancelling,
    items.not_counted_because,
    items.exception,
    case when items.not_counted_because is null and counted.source is not null then {{ money('items.gross_mrr') }} end
        as gross_mrr,
    case when items.not_counted_because is null then counted.mrr end as mrr,
    {#- What is signed: running or about to begin, and no end of it announced. -#}
    case
        when items.exception is not null then null
        when items.is_cancelling or counted.source is null or items.usage_type = 'metered' then 0
        else counted.mrr
    end as contracted_mrr
from items
left join counted
    on
        items.source = counted.source
        and items.item_source_id = counted.item_source_id
        and items.measured_on = counted.measured_on
