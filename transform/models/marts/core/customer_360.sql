with accounts as (
    select * from {{ ref('int_account_master') }}
),

owners as (
    select source, source_id, name from {{ ref('int_owners') }}
),

contracts as (
    select * from {{ ref('int_account_contracts') }}
),

tiers as (
    select * from {{ ref('account_tiers') }}
),

lifecycle as (
    select * from {{ ref('int_account_lifecycle') }}
),

health as (
    select * from {{ ref('customer_health') }}
),

facts as (
    select * from {{ ref('int_health_facts') }}
),

account_usage as (
    select * from {{ ref('int_account_usage') }}
),

contacts as (
    select account_id, max(occurred_at) as last_contact_at
    from {{ ref('int_activities') }}
    where is_two_way and not is_deleted and occurred_at <= {{ as_of() }} and account_id is not null
    group by account_id
),

ages as (
    select
        {%- for kind in ['crm', 'billing', 'product', 'support'] %}
        max(case when kind = '{{ kind }}' then newest_record_at end) as {{ kind }}_newest_record_at,
        min(case when kind = '{{ kind }}' then pulled_at end) as {{ kind }}_pulled_at,
        {%- endfor %}
        {#- A source that is on and never delivered has no age, and so neither has the oldest. -#}
        case
            when count(*) = count(newest_record_at)
                then max({{ hours_between('newest_record_at', as_of()) }})
        end as oldest_source_age_hours
    from {{ ref('int_freshness') }}
)

select
    accounts.account_id,
    accounts.name as account_name,
    accounts.domain,
    accounts.industry,
    accounts.country,
    cast(accounts.employee_count as {{ dbt.type_bigint() }}) as employee_count,
    accounts.parent_account_id,
    owners.name as csm_name,
    tiers.touch_tier,
    case
        when contracts.is_customer then tiers.touch_tier_reason
        when not contracts.is_customer then 'Not a customer'
        else 'No billing source'
    end as touch_tier_reason,
    lifecycle.lifecycle_stage,
    lifecycle.lifecycle_reason,
    contracts.is_customer,
    cast(contracts.mrr_reporting as {{ sql_type('money') }}) as mrr,
    cast(contracts.arr_reporting as {{ sql_type('money') }}) as arr,
    cast(contracts.carr_reporting as {{ sql_type('money') }}) as carr,
    '{{ var("reporting_currency") }}' as currency,
    contracts.currency as billing_currency,
    cast(contracts.mrr as {{ sql_type('money') }}) as billing_mrr,
    cast(contracts.usage_mrr as {{ sql_type('money') }}) as billing_usage_mrr,
    cast(contracts.items_without_price as {{ dbt.type_bigint() }}) as items_without_price,
    contracts.first_paid_on,
    cast(contracts.tenure_days as {{ dbt.type_bigint() }}) as tenure_days,
    contracts.renewal_on,
    cast(contracts.days_to_renewal as {{ dbt.type_bigint() }}) as days_to_renewal,
    cast(contracts.licensed_seats as {{ dbt.type_bigint() }}) as licensed_seats,
    cast(account_usage.issued_users as {{ dbt.type_bigint() }}) as issued_users,
    cast(account_usage.active_users_28d as {{ dbt.type_bigint() }}) as active_users_28d,
    account_usage.last_core_event_at,
    contacts.last_contact_at,
    cast(
        {%- if entity_sources('invoices') %} coalesce(contracts.overdue_days, 0)
        {%- else %} null
        {%- endif %} as {{ dbt.type_bigint() }}
    ) as overdue_days,
    facts.open_tickets,
    facts.open_urgent_tickets,
    cast(round(100.0 * facts.csat_satisfied_90d / nullif(facts.csat_answers_90d, 0), 2) as decimal(5, 2))
        as csat_90d_pct,
    facts.csat_answers_90d,
    cast(round(facts.nps_latest, 2) as decimal(5, 2)) as nps_latest,
    cast(facts.nps_answers_180d as {{ dbt.type_bigint() }}) as nps_answers_180d,
    case facts.csm_sentiment_value when 0 then 'red' when 1 then 'yellow' when 2 then 'green' end as csm_sentiment,
    {{ local_date('facts.csm_sentiment_at') }} as csm_sentiment_on,
    facts.objectives,
    facts.objectives_on_track,
    facts.touches_90d,
    health.health_score,
    coalesce(health.health_band, 'unknown') as health_band,
    health.health_raw_score,
    health.health_cap,
    health.health_coverage_pct,
    health.health_scorecard,
    case
        when health.account_id is not null then health.health_null_reason
        when not contracts.is_customer then 'not_a_customer'
        else 'source_off'
    end as health_null_reason,
    health.health_delta_28d,
    health.priority,
    health.reason_1,
    health.reason_2,
    health.reason_3,
    health.strength_1,
    health.strength_2,
    health.strength_3,
    {{ as_of() }} as as_of,
    {%- for kind in ['crm', 'billing', 'product', 'support'] %}
    ages.{{ kind }}_newest_record_at,
    {%- endfor %}
    {%- for kind in ['crm', 'billing', 'product', 'support'] %}
    ages.{{ kind }}_pulled_at,
    {%- endfor %}
    ages.oldest_source_age_hours
from accounts
cross join ages
left join contracts on accounts.account_id = contracts.account_id
left join owners
    on accounts.owner_source = owners.source and accounts.owner_source_id = owners.source_id
left join tiers on accounts.account_id = tiers.account_id
left join lifecycle on accounts.account_id = lifecycle.account_id
left join health on accounts.account_id = health.account_id
left join account_usage on accounts.account_id = account_usage.account_id
left join facts on accounts.account_id = facts.account_id
left join contacts on accounts.account_id = contacts.account_id
