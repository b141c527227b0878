{#-
    What accounts that paid a month or a year ago pay now. Both amounts are at the rate of the later
    month, so that a rate that moves is neither growth nor loss. What a contract brought then belongs
    to the account that has it now: who takes one over is not new, who hands it over is not lost. An
    account with an amount that no rate converts is kept apart: it may not make either sum smaller.
-#}
with paid as (
    select account_id, currency, month_on, is_closed, mrr, rate from {{ ref('int_account_currency_mrr') }}
),

transfers as (
    select * from {{ ref('int_mrr_transfers') }}
),

items as (
    select * from {{ ref('int_item_mrr') }}
    where mrr > 0 and account_id is not null
),

months as (
    select month_on from {{ ref('int_mrr_months') }}
),

{% for window in [1, 12] %}
handed_over_{{ window }} as (
    select
        transfers.source,
        transfers.item_source_id,
        months.month_on as later_on,
        cast({{ dbt.dateadd('month', -window, 'months.month_on') }} as date) as earlier_on,
        transfers.to_account_id,
        row_number() over (
            partition by transfers.source, transfers.item_source_id, months.month_on
            order by transfers.month_on desc
        ) as recency
    from transfers
    inner join months
        on
            transfers.month_on <= months.month_on
            and {{ dbt.dateadd('month', -window, 'months.month_on') }} < transfers.month_on
),

then_{{ window }} as (
    select
        handed_over.later_on,
        handed_over.to_account_id,
        items.account_id as from_account_id,
        items.currency,
        items.mrr
    from handed_over_{{ window }} as handed_over
    inner join items
        on
            handed_over.source = items.source
            and handed_over.item_source_id = items.item_source_id
            and handed_over.earlier_on = items.month_on
    where handed_over.recency = 1
),

credited_{{ window }} as (
    select account_id, currency, later_on, sum(mrr) as mrr
    from (
        select to_account_id as account_id, currency, later_on, mrr from then_{{ window }}
        union all
        select from_account_id as account_id, currency, later_on, -mrr as mrr from then_{{ window }}
    ) as both_sides
    group by account_id, currency, later_on
),

balances_{{ window }} as (
    select
        later.*,
        coalesce(earlier.mrr, 0) + coalesce(credited.mrr, 0) as opening_mrr
    from paid as later
    left join paid as earlier
        on
            later.account_id = earlier.account_id
            and later.currency = earlier.currency
            and earlier.month_on = cast({{ dbt.dateadd('month', -window, 'later.month_on') }} as date)
    left join credited_{{ window }} as credited
        on
            later.account_id = credited.account_id
            and later.currency = credited.currency
            and later.month_on = credited.later_on
),

pairs_{{ window }} as (
    select
        account_id,
        month_on,
        is_closed,
        {{ window }} as months,
        sum(case when opening_mrr = 0 then 0 else opening_mrr * rate end) as opening,
        sum(case when mrr = 0 then 0 else mrr * rate end) as closing,
        count(case when rate is null and (mrr > 0 or opening_mrr > 0) then 1 end) > 0 as has_unknown,
        max(opening_mrr) as highest_opening
    from balances_{{ window }}
    group by account_id, month_on, is_closed
),
{% endfor %}
pairs as (
    select * from pairs_1
    union all
    select * from pairs_12
)

select
    account_id,
    month_on,
    is_closed,
    months,
    has_unknown,
    case when not has_unknown then opening end as opening_mrr,
    case when not has_unknown then coalesce(closing, 0) end as closing_mrr
from pairs
where highest_opening > 0
