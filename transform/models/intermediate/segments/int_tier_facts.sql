{#-
    What tiers are decided by, at the end of every month in which the account was a customer, and
    today: rebuilt each time from what is known of that day, so that nothing hangs on which days the
    project happened to run. The number of employees has no history and is that of now.
-#}
with months as (
    select * from {{ ref('int_mrr_months') }}
),

paid as (
    select account_id, month_on, arr_reporting, mrr > 0 or usage_mrr > 0 as has_mrr
    from {{ ref('int_account_mrr') }}
),

contents as (
    select
        account_id,
        month_on,
        count(exception) > 0 as has_unpriced,
        count(distinct case when mrr > 0 then product_source_id end) as products,
        count(distinct case when mrr > 0 then currency end) as currencies
    from {{ ref('int_item_mrr') }}
    where account_id is not null and not_counted_because is null
    group by account_id, month_on
),

customers as (
    select
        coalesce(paid.account_id, contents.account_id) as account_id,
        months.month_on,
        months.measured_on,
        months.is_closed,
        paid.arr_reporting as arr,
        coalesce(contents.products, 0) as products,
        coalesce(contents.currencies, 0) as currencies
    from paid
    full outer join contents
        on paid.account_id = contents.account_id and paid.month_on = contents.month_on
    inner join months on coalesce(paid.month_on, contents.month_on) = months.month_on
    where coalesce(paid.has_mrr, false) or coalesce(contents.has_unpriced, false)
),

accounts as (
    select
        account_id,
        parent_account_id,
        employee_count,
        has_crm,
        is_deleted,
        {{ local_date('created_at') }} as created_on
    from {{ ref('int_account_master') }}
),

children as (
    select customers.account_id, customers.month_on, count(*) as child_accounts
    from customers
    inner join accounts
        on
            customers.account_id = accounts.parent_account_id
            and (accounts.created_on is null or customers.measured_on >= accounts.created_on)
    where accounts.account_id <> accounts.parent_account_id and not accounts.is_deleted
    group by customers.account_id, customers.month_on
),

integration_days as (
    select distinct account_id, integration, day from {{ ref('int_account_activity_daily') }}
    where integration is not null
),

windows as (
    {#- Of days of which the product does not tell yet nobody knows that nothing was in use. -#}
    select
        months.month_on,
        case when horizon.day < months.measured_on then horizon.day else months.measured_on end as last_day
    from months
    cross join {{ ref('int_product_horizon') }} as horizon
),

months_later as (
    select 0 as later
    union all
    select 1 as later
),

integrations as (
    {#- 28 days touch the month of their end and the one before, no other. -#}
    select
        integration_days.account_id,
        windows.month_on,
        count(distinct integration_days.integration) as integrations
    from integration_days
    cross join months_later
    inner join windows
        on
            cast({{ dbt.date_trunc('month', 'integration_days.day') }} as date)
            = cast({{ dbt.dateadd('month', '-months_later.later', 'windows.month_on') }} as date)
    where
        integration_days.day <= windows.last_day
        and integration_days.day > {{ dbt.dateadd('day', -28, 'windows.last_day') }}
    group by integration_days.account_id, windows.month_on
),

renewals as (
    select account_id, due_month_on, max(due_on) as renewed_on
    from {{ ref('int_renewals') }}
    where outcome in ('renewed', 'expanded', 'contracted')
    group by account_id, due_month_on
),

opportunities as (
    select account_id, min({{ local_date('created_at') }}) as first_opportunity_on
    from {{ ref('int_opportunities') }}
    where account_id is not null
    group by account_id
),

deals as (
    select count(*) > 0 as are_kept from opportunities
),

collected as (
    select
        account_id,
        count(*) = count(case when collection_method = 'charge_automatically' then 1 end) as is_automatic
    from {{ ref('int_subscriptions') }}
    where account_id is not null
    group by account_id
),

contracts as (
    select account_id, first_paid_on from {{ ref('int_account_contracts') }}
),

joined as (
    select
        customers.*,
        coalesce(integrations.integrations, 0) as integrations,
        coalesce(children.child_accounts, 0) as child_accounts,
        accounts.employee_count,
        contracts.first_paid_on,
        renewals.renewed_on,
        {#- That sales had no part is known only where the CRM knows the account and keeps deals at all. -#}
        case
            when
                opportunities.first_opportunity_on <= customers.measured_on
                and opportunities.first_opportunity_on <= contracts.first_paid_on
                then 'sales_led'
            when opportunities.first_opportunity_on <= customers.measured_on then 'hybrid'
            when accounts.has_crm and collected.is_automatic and deals.are_kept then 'self_serve'
        end as motion
    from customers
    cross join deals
    left join accounts on customers.account_id = accounts.account_id
    left join contracts on customers.account_id = contracts.account_id
    left join collected on customers.account_id = collected.account_id
    left join opportunities on customers.account_id = opportunities.account_id
    left join children on customers.account_id = children.account_id and customers.month_on = children.month_on
    left join integrations
        on customers.account_id = integrations.account_id and customers.month_on = integrations.month_on
    left join renewals
        on customers.account_id = renewals.account_id and customers.month_on = renewals.due_month_on
),

points as (
    {%- set signals = ['products', 'currencies', 'integrations', 'child_accounts'] %}
    select
        {%- for signal in signals %}
        max(case when signal = '{{ signal }}' then min_value end) as {{ signal }}_from,
        max(case when signal = '{{ signal }}' then points end) as {{ signal }}_points,
        {%- endfor %}
        count(*) as signals
    from {{ ref('tier_complexity') }}
)

select
    joined.*,
    0
    {%- for signal in signals %}
    + case when joined.{{ signal }} >= points.{{ signal }}_from then points.{{ signal }}_points else 0 end
    {%- endfor %} as complexity,
    case
        when joined.arr is not null
            then rank() over (partition by joined.month_on, joined.arr is null order by joined.arr) - 1
    end as customers_below,
    count(joined.arr) over (partition by joined.month_on) - 1 as other_customers
from joined
cross join points
