{#-
    In the reporting currency always, in the account's own one while it is the same. An account that
    left has a row of nothing in every month since.
-#}
with months as (
    select * from {{ ref('mrr_monthly') }}
),

newest as (
    select max(month_on) as month_on from months
)

select
    before.account_id,
    before.month_on,
    before.mrr,
    months.opening_mrr
from months as before
cross join newest
left join months
    on
        before.account_id = months.account_id
        and months.month_on = cast({{ dbt.dateadd('month', 1, 'before.month_on') }} as date)
where
    before.month_on < newest.month_on
    and (
        months.account_id is null
        or (before.currency = months.currency and before.mrr <> months.opening_mrr)
        or before.mrr_reporting <> months.opening_mrr_reporting
    )
union all
select
    first_month.account_id,
    first_month.month_on,
    cast(null as {{ sql_type('money') }}) as mrr,
    first_month.opening_mrr
from months as first_month
left join months as before
    on
        first_month.account_id = before.account_id
        and first_month.month_on = cast({{ dbt.dateadd('month', 1, 'before.month_on') }} as date)
where before.account_id is null and (first_month.opening_mrr <> 0 or first_month.opening_mrr_reporting <> 0)
