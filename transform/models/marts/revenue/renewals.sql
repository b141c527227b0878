with renewals as (
    select * from {{ ref('int_renewals') }}
)

select
    source,
    item_source_id,
    subscription_source_id,
    account_id,
    due_month_on,
    due_on,
    product_name,
    had_notice,
    outcome,
    currency,
    arr_due,
    {{ money("case when outcome <> 'open' then least(arr_due, arr_after) end") }} as arr_renewed,
    {{ money("case when outcome <> 'open' then greatest(arr_after - arr_due, 0) end") }} as arr_expanded,
    {{ money("case when outcome not in ('open', 'late') then greatest(arr_due - arr_after, 0) end") }} as arr_lost,
    '{{ var("reporting_currency") }}' as reporting_currency,
    {{ money('arr_due * rate') }} as arr_due_reporting,
    {{ money("case when outcome <> 'open' then least(arr_due, arr_after) * rate end") }} as arr_renewed_reporting,
    {{ as_of() }} as as_of
from renewals
