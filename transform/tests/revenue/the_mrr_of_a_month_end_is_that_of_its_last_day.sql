with daily as (
    select
        months.month_on,
        days.account_id,
        sum(days.mrr_reporting) as mrr,
        count(*) = count(days.mrr_reporting) as is_known
    from {{ ref('int_mrr_months') }} as months
    inner join {{ ref('mrr_daily') }} as days
        on months.measured_on >= days.from_on and (days.to_on is null or months.measured_on < days.to_on)
    group by months.month_on, days.account_id
)

select
    known.account_id,
    known.month_on,
    known.mrr_reporting,
    daily.mrr
from {{ ref('int_account_mrr') }} as known
full outer join daily on known.account_id = daily.account_id and known.month_on = daily.month_on
where
    coalesce(known.mrr_reporting, 0) <> case when coalesce(daily.is_known, true) then coalesce(daily.mrr, 0) end
