{#-
    What accounts that paid a month or a year ago pay now. Both amounts are at the rate of the later
    month, so that a rate that moves is neither growth nor loss. An account with an amount that no
    rate converts is kept apart: it may not make either sum smaller.
-#}
with paid as (
    select account_id, currency, month_on, is_closed, mrr, rate from {{ ref('int_account_currency_mrr') }}
),

{% for window in [1, 12] %}
pairs_{{ window }} as (
    select
        later.account_id,
        later.month_on,
        later.is_closed,
        {{ window }} as months,
        sum(case when earlier.mrr = 0 then 0 else earlier.mrr * later.rate end) as opening,
        sum(case when later.mrr = 0 then 0 else later.mrr * later.rate end) as closing,
        count(case when later.rate is null and (later.mrr > 0 or earlier.mrr > 0) then 1 end) > 0
            as has_unknown,
        max(earlier.mrr) as highest_opening
    from paid as later
    left join paid as earlier
        on
            later.account_id = earlier.account_id
            and later.currency = earlier.currency
            and earlier.month_on = cast({{ dbt.dateadd('month', -window, 'later.month_on') }} as date)
    group by later.account_id, later.month_on, later.is_closed
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
