with items as (
    select account_id, month_on, sum(mrr) as mrr, count(distinct currency) as currencies
    from {{ ref('int_item_mrr') }}
    where mrr > 0
    group by account_id, month_on
)

select
    months.account_id,
    months.month_on,
    months.mrr,
    items.mrr as items_mrr
from {{ ref('mrr_monthly') }} as months
full outer join items
    on months.account_id = items.account_id and months.month_on = items.month_on
where not coalesce(months.is_multi_currency, false) and coalesce(months.mrr, 0) <> coalesce(items.mrr, 0)
