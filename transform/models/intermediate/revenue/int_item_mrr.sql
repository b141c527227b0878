select * from {{ ref('int_subscription_item_mrr') }}
union all
select * from {{ ref('int_invoice_item_mrr') }}
