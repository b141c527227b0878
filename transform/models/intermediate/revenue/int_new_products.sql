{#-
    What products bring to an account that it did not pay for the month before: cross-sell. What came
    over from another account was sold there.
-#}
with rates as (
    select * from {{ ref('int_exchange_rates') }}
),

sold as (
    select
        items.account_id,
        items.month_on,
        items.source,
        items.item_source_id,
        coalesce(items.product_source_id, items.product_name) as product,
        sum(items.mrr * rates.rate) as mrr_reporting
    from {{ ref('int_item_mrr') }} as items
    left join rates
        on
            items.currency = rates.currency
            and items.measured_on >= rates.valid_from
            and (rates.valid_to is null or items.measured_on < rates.valid_to)
    where items.account_id is not null and items.mrr > 0
    group by 1, 2, 3, 4, 5
)

select
    later.account_id,
    later.month_on,
    sum(later.mrr_reporting) as mrr_reporting
from sold as later
left join sold as earlier
    on
        later.account_id = earlier.account_id
        and later.source = earlier.source
        and later.product = earlier.product
        and earlier.month_on = cast({{ dbt.dateadd('month', -1, 'later.month_on') }} as date)
left join {{ ref('int_mrr_transfers') }} as transfers
    on
        later.source = transfers.source
        and later.item_source_id = transfers.item_source_id
        and later.month_on = transfers.month_on
where earlier.account_id is null and transfers.item_source_id is null
group by 1, 2
