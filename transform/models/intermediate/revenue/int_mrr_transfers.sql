{#-
    Contracts that count for another account than at the end of the month before: what they brought
    then goes from one to the other. What they bring more or less since is the new account's growth
    or loss.
-#}
with items as (
    select * from {{ ref('int_item_mrr') }}
    where mrr > 0 and account_id is not null
)

select
    later.source,
    later.item_source_id,
    later.month_on,
    later.currency,
    earlier.account_id as from_account_id,
    later.account_id as to_account_id,
    earlier.mrr as amount
from items as later
inner join items as earlier
    on
        later.source = earlier.source
        and later.item_source_id = earlier.item_source_id
        and later.currency = earlier.currency
        and earlier.month_on = cast({{ dbt.dateadd('month', -1, 'later.month_on') }} as date)
where later.account_id <> earlier.account_id
