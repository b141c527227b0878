{#- Everything that a health measure or cap is computed from: one row per current customer. -#}
with contracts as (
    select * from {{ ref('int_account_contracts') }}
    where is_customer
),

tiers as (
    select account_id, touch_tier from {{ ref('int_account_tiers') }}
),

account_usage as (
    select * from {{ ref('int_account_usage') }}
),

features as (
    select
        account_id,
        count(*) as entitled_features,
        sum(case when is_adopted then 1 else 0 end) as used_features
    from {{ ref('int_account_features') }}
    group by account_id
),

contacts as (
    select account_id, max(occurred_at) as last_contact_at
    from {{ ref('int_activities') }}
    where is_two_way and not is_deleted and occurred_at <= {{ as_of() }} and account_id is not null
    group by account_id
),

accounts as (
    select account_id, has_crm, has_billing, has_product from {{ ref('int_account_master') }}
),

joined as (
    select
        contracts.account_id,
        tiers.touch_tier,
        coalesce(contracts.tenure_days, 0) as tenure_days,
        accounts.has_crm,
        accounts.has_billing,
        accounts.has_product,
        contracts.licensed_seats,
        coalesce(contracts.overdue_days, 0) as overdue_days,
        contracts.cancelling_mrr_share,
        account_usage.issued_users,
        account_usage.active_users_28d,
        account_usage.active_users_before_28d,
        account_usage.ever_active_users,
        account_usage.star_players,
        account_usage.integrations_in_use,
        account_usage.days_since_core_use as days_since_last_core_use,
        coalesce(features.entitled_features, 0) as entitled_features,
        coalesce(features.used_features, 0) as used_features,
        {{ dbt.datediff(
            local_date('contacts.last_contact_at'), as_of_day(), 'day'
        ) }} as days_since_last_contact
    from contracts
    inner join accounts on contracts.account_id = accounts.account_id
    left join tiers on contracts.account_id = tiers.account_id
    left join account_usage on contracts.account_id = account_usage.account_id
    left join features on contracts.account_id = features.account_id
    left join contacts on contracts.account_id = contacts.account_id
)

select
    *,
    {#- Never is as long ago as the customer is old: silence is a fact about a known account. -#}
    coalesce(days_since_last_core_use, tenure_days) as days_since_core_use,
    coalesce(days_since_last_contact, tenure_days) as days_since_contact
from joined
