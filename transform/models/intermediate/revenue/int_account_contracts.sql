{#- Without a billing source nobody knows who pays: NULL, which is neither a customer nor a prospect. -#}
{%- set billing_known = entity_sources('subscriptions') | length > 0 -%}
with today as (
    select measured_on, month_on from {{ ref('int_mrr_months') }}
    where measured_on = {{ as_of_day() }}
),

items as (
    select item_mrr.*
    from {{ ref('int_item_mrr') }} as item_mrr
    inner join today on item_mrr.month_on = today.month_on
    where item_mrr.account_id is not null and item_mrr.not_counted_because is null
),

money_now as (
    select account_mrr.*
    from {{ ref('int_account_mrr') }} as account_mrr
    inner join today on account_mrr.month_on = today.month_on
),

rates as (
    select currency, rate from {{ ref('int_exchange_rates') }}
    where valid_from <= {{ as_of_day() }} and (valid_to is null or valid_to > {{ as_of_day() }})
),

lines as (
    select account_id, min(period_start_on) as first_paid_on
    from {{ ref('int_recurring_invoice_lines') }}
    where amount - discount_amount > 0 and not is_proration and account_id is not null
    group by account_id
),

running as (
    select distinct source, subscription_source_id from items
),

started as (
    {#- Only where no invoice tells: a subscription is paid from the end of its trial. -#}
    select
        subscriptions.account_id,
        min({{ local_date('coalesce(subscriptions.trial_end_at, subscriptions.started_at)') }}) as first_paid_on
    from {{ ref('int_subscriptions') }} as subscriptions
    inner join running
        on
            subscriptions.source = running.source
            and subscriptions.source_id = running.subscription_source_id
    group by subscriptions.account_id
),

ranked as (
    select
        items.*,
        items.mrr * rates.rate as mrr_reporting,
        max(case when items.mrr > 0 then items.term_months end) over (partition by items.account_id)
            as longest_term
    from items
    left join rates on items.currency = rates.currency
),

contents as (
    select
        account_id,
        count(*) as items,
        count(exception) as items_without_price,
        sum(case when is_seat_based and exception is null then quantity end) as licensed_seats,
        count(distinct case when mrr > 0 then product_source_id end) as paid_products,
        count(distinct case when mrr > 0 then currency end) as currencies,
        max(longest_term) as term_months,
        min(case when mrr > 0 and term_months = longest_term then period_end_on end) as renewal_on,
        sum(case when is_cancelling then mrr_reporting else 0 end) / nullif(sum(mrr_reporting), 0)
            as cancelling_mrr_share
    from ranked
    group by account_id
),

overdue as (
    select account_id, max(overdue_days) as overdue_days
    from {{ ref('int_overdue_invoices') }}
    group by account_id
),

accounts as (
    select account_id from {{ ref('int_account_master') }}
),

joined as (
    select
        accounts.account_id,
        {%- if billing_known %}
        coalesce(money_now.mrr > 0 or money_now.usage_mrr > 0, false)
        or coalesce(contents.items_without_price > 0, false) as is_customer,
        coalesce(money_now.has_paid, false) or lines.account_id is not null as has_paid,
        {%- else %}
        cast(null as {{ dbt.type_boolean() }}) as is_customer,
        cast(null as {{ dbt.type_boolean() }}) as has_paid,
        {%- endif %}
        money_now.account_id is not null as has_contract,
        money_now.currency,
        money_now.mrr,
        money_now.usage_mrr,
        money_now.mrr_reporting,
        money_now.arr_reporting,
        money_now.carr_reporting,
        coalesce(lines.first_paid_on, started.first_paid_on) as first_paid_on,
        contents.licensed_seats,
        contents.items_without_price,
        contents.paid_products,
        contents.currencies,
        contents.term_months,
        contents.renewal_on,
        contents.cancelling_mrr_share,
        overdue.overdue_days
    from accounts
    left join money_now on accounts.account_id = money_now.account_id
    left join contents on accounts.account_id = contents.account_id
    left join lines on accounts.account_id = lines.account_id
    left join started on accounts.account_id = started.account_id
    left join overdue on accounts.account_id = overdue.account_id
)

select
    account_id,
    is_customer,
    is_customer or has_paid as was_customer,
    currency,
    mrr,
    usage_mrr,
    {#- An account whose only item cannot be priced pays an unknown amount, not nothing. -#}
    case when is_customer then mrr_reporting when not is_customer then 0 end as mrr_reporting,
    case when is_customer then arr_reporting when not is_customer then 0 end as arr_reporting,
    {#- Who has signed and does not pay yet has one; who has no contract has none. -#}
    case when has_contract then carr_reporting when is_customer is not null then 0 end as carr_reporting,
    first_paid_on,
    case
        when first_paid_on <= {{ as_of_day() }}
            then {{ dbt.datediff(
                'first_paid_on', as_of_day(), 'day'
            ) }}
    end as tenure_days,
    licensed_seats,
    coalesce(items_without_price, 0) as items_without_price,
    coalesce(paid_products, 0) as paid_products,
    coalesce(currencies, 0) as currencies,
    term_months,
    case when is_customer then renewal_on end as renewal_on,
    case
        when is_customer
            then {{ dbt.datediff(
                as_of_day(), 'renewal_on', 'day'
            ) }}
    end as days_to_renewal,
    cancelling_mrr_share,
    overdue_days
from joined
