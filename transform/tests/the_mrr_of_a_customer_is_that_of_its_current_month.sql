with current_month as (
    select account_id, mrr_reporting from {{ ref('mrr_monthly') }}
    where measured_on = {{ as_of_day() }}
)

select
    customers.account_id,
    customers.mrr,
    current_month.mrr_reporting
from {{ ref('customer_360') }} as customers
left join current_month on customers.account_id = current_month.account_id
where
    customers.is_customer
    and customers.items_without_price = 0
    and (
        customers.mrr <> current_month.mrr_reporting
        or (customers.mrr is null) <> (current_month.mrr_reporting is null)
    )
