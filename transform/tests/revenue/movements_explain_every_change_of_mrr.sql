with moved as (
    select account_id, month_on, sum(amount) as amount, sum(amount_reporting) as amount_reporting
    from {{ ref('mrr_movements') }}
    group by account_id, month_on
)

select months.account_id, months.month_on
from {{ ref('mrr_monthly') }} as months
left join moved on months.account_id = moved.account_id and months.month_on = moved.month_on
where
    months.mrr - months.opening_mrr <> coalesce(moved.amount, 0)
    or months.mrr_reporting - months.opening_mrr_reporting <> coalesce(moved.amount_reporting, 0)
