{#- Of what is known now: closed months keep what was known when they were closed. -#}
with items as (
    select account_id, month_on, sum(mrr) as mrr, count(distinct currency) as currencies
    from {{ ref('int_item_mrr') }}
    where mrr > 0
    group by account_id, month_on
),

known as (
    select account_id, month_on, mrr, is_multi_currency from {{ ref('int_account_mrr') }}
    union all
    select account_id, month_on, mrr, is_multi_currency from {{ ref('mrr_monthly') }}
    where frozen_at is null
)

select
    coalesce(known.account_id, items.account_id) as account_id,
    known.month_on,
    known.mrr,
    items.mrr as items_mrr
from known
full outer join items
    on known.account_id = items.account_id and known.month_on = items.month_on
where not coalesce(known.is_multi_currency, false) and coalesce(known.mrr, 0) <> coalesce(items.mrr, 0)
