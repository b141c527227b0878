{#- The first lifecycle rule that an account meets; blank conditions of a rule ask for nothing. -#}
with contracts as (
    select * from {{ ref('int_account_contracts') }}
),

facts as (
    select account_id, licensed_seats, active_users_28d, ever_active_users, used_features
    from {{ ref('int_health_facts') }}
),

scores as (
    select account_id, band from {{ ref('int_health_scores') }}
),

expansions as (
    select distinct account_id from {{ ref('int_opportunities') }}
    where type = 'existing_business' and not is_closed and not is_deleted and account_id is not null
),

accounts as (
    select
        contracts.account_id,
        contracts.is_customer,
        contracts.was_customer,
        contracts.tenure_days,
        contracts.term_months,
        contracts.days_to_renewal,
        facts.active_users_28d * 1.0 / nullif(facts.licensed_seats, 0) as utilisation,
        facts.ever_active_users * 1.0 / nullif(facts.licensed_seats, 0) as ever_active_share,
        coalesce(facts.used_features, 0) as core_features,
        scores.band,
        expansions.account_id is not null as has_open_expansion
    from contracts
    left join facts on contracts.account_id = facts.account_id
    left join scores on contracts.account_id = scores.account_id
    left join expansions on contracts.account_id = expansions.account_id
),

rules as (
    select * from {{ ref('lifecycle') }}
    where effective_from <= {{ as_of_day() }} and (effective_to is null or effective_to > {{ as_of_day() }})
),

matched as (
    select
        accounts.*,
        rules.version,
        rules.stage,
        rules.reason,
        row_number() over (partition by accounts.account_id order by rules.sort_order) as choice
    from accounts
    inner join rules
        on
            accounts.is_customer = rules.is_customer
            and (rules.was_customer is null or accounts.was_customer = rules.was_customer)
            and (rules.max_tenure_days is null or accounts.tenure_days < rules.max_tenure_days)
            and (rules.min_term_months is null or accounts.term_months >= rules.min_term_months)
            and (rules.max_days_to_renewal is null or accounts.days_to_renewal <= rules.max_days_to_renewal)
            and (rules.min_utilisation is null or accounts.utilisation >= rules.min_utilisation)
            and (rules.health_band is null or accounts.band = rules.health_band)
            and (rules.has_open_expansion is null or accounts.has_open_expansion = rules.has_open_expansion)
            and (rules.min_ever_active_share is null or accounts.ever_active_share >= rules.min_ever_active_share)
            and (rules.min_core_features is null or accounts.core_features >= rules.min_core_features)
)

select
    account_id,
    version as lifecycle_version,
    stage as lifecycle_stage,
    {{ fill('reason', {
        'days_to_renewal': whole('days_to_renewal'),
        'tenure_days': whole('tenure_days'),
        'utilisation': percent('utilisation'),
        'ever_active_share': percent('ever_active_share'),
    }) }} as lifecycle_reason
from matched
where choice = 1
