{#-
    Closing less closing of the month before is the sum of all movements. In a currency of accounts
    that have no other; in total of accounts whose amounts are known in both months.
-#}
with balances as (
    select
        months.month_on,
        months.account_id,
        months.currency,
        months.is_multi_currency,
        months.mrr - coalesce(before.mrr, 0) as change,
        case
            when before.account_id is null then months.mrr_reporting
            else months.mrr_reporting - before.mrr_reporting
        end as change_reporting,
        coalesce(before.currency = months.currency, true) as is_same_currency
    from {{ ref('mrr_monthly') }} as months
    left join {{ ref('mrr_monthly') }} as before
        on
            months.account_id = before.account_id
            and months.month_on = cast({{ dbt.dateadd('month', 1, 'before.month_on') }} as date)
),

movements as (
    select account_id, month_on, sum(amount) as amount, sum(amount_reporting) as amount_reporting
    from {{ ref('mrr_movements') }}
    group by account_id, month_on
),

sides as (
    select
        balances.*,
        coalesce(movements.amount, 0) as amount,
        coalesce(movements.amount_reporting, 0) as amount_reporting
    from balances
    left join movements
        on balances.account_id = movements.account_id and balances.month_on = movements.month_on
)

select month_on, currency, sum(change) as change, sum(amount) as amount
from sides
where is_same_currency and not is_multi_currency
group by month_on, currency
having sum(change) <> sum(amount)
union all
select month_on, 'total' as currency, sum(change_reporting) as change, sum(amount_reporting) as amount
from sides
where change_reporting is not null
group by month_on
having sum(change_reporting) <> sum(amount_reporting)
