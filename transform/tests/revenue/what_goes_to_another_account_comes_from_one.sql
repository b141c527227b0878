{#- Transfers of a month sum to nothing, but for what rounding leaves, where every amount is known. -#}
select month_on, sum(transfer_mrr_reporting) as left_over
from {{ ref('mrr_monthly') }}
group by month_on
having abs(sum(transfer_mrr_reporting)) >= 0.01 and count(*) = count(transfer_mrr_reporting)
