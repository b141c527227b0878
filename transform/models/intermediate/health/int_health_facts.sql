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

tickets as (
    select
        account_id,
        sum(case when is_open then 1 else 0 end) as open_tickets
    from {{ ref('int_tickets') }}
    where account_id is not null
    group by account_id
),

rows_behind as (
    select
        account_id,
        max(case when measure = 'days_since_contact' then row_at end) as last_contact_at,
        {%- for measure, count_name, sum_name in [
            ('objectives_on_track', 'objectives', 'objectives_on_track'),
            ('csat_90d', 'csat_answers_90d', 'csat_satisfied_90d'),
            ('reopened_share_90d', 'solved_tickets_90d', 'reopened_tickets_90d'),
        ] %}
        count(case when measure = '{{ measure }}' then 1 end) as {{ count_name }},
        coalesce(sum(case when measure = '{{ measure }}' then row_value end), 0) as {{ sum_name }},
        {%- endfor %}
        count(case when measure = 'open_urgent_tickets' then 1 end) as open_urgent_tickets,
        max(case when measure = 'open_urgent_tickets' then row_value end) as open_urgent_hours,
        count(case when measure = 'nps_180d' then 1 end) as nps_answers_180d,
        avg(case when measure = 'nps_180d' then row_value end) as nps_latest,
        max(case when measure = 'csm_sentiment' then row_value end) as csm_sentiment_value,
        max(case when measure = 'csm_sentiment' then row_at end) as csm_sentiment_at,
        count(case when measure = 'touches_90d' then 1 end) as touches_90d
    from {{ ref('int_health_source_rows') }}
    group by account_id
),

feeds as (
    {#- A count of what nobody tells of is unknown, not zero. -#}
    select
        count(case when feed = 'support' then 1 end) > 0 as tells_support,
        count(case when feed = 'csat' then 1 end) > 0 as tells_csat,
        count(case when feed = 'objectives' then 1 end) > 0 as tells_objectives,
        count(case when feed = 'touches' then 1 end) > 0 as tells_touches
    from {{ ref('int_health_feeds') }}
),

accounts as (
    select account_id, has_crm, has_billing, has_product, has_support from {{ ref('int_account_master') }}
),

joined as (
    select
        contracts.account_id,
        {{ as_of_day() }} as day,
        tiers.touch_tier,
        coalesce(contracts.tenure_days, 0) as tenure_days,
        contracts.arr_reporting,
        accounts.has_crm,
        accounts.has_billing,
        accounts.has_product,
        {#- Who wrote a ticket is known to support, whether or not support keeps a record of the company. -#}
        accounts.has_support or tickets.account_id is not null as has_support,
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
            local_date('rows_behind.last_contact_at'), as_of_day(), 'day'
        ) }} as days_since_last_contact,
        feeds.tells_support and (accounts.has_support or tickets.account_id is not null) as tells_support,
        feeds.tells_csat,
        feeds.tells_objectives,
        feeds.tells_touches,
        tickets.open_tickets,
        rows_behind.open_urgent_tickets,
        rows_behind.open_urgent_hours,
        rows_behind.solved_tickets_90d,
        rows_behind.reopened_tickets_90d,
        rows_behind.csat_answers_90d,
        rows_behind.csat_satisfied_90d,
        rows_behind.nps_answers_180d,
        rows_behind.nps_latest,
        rows_behind.csm_sentiment_value,
        rows_behind.csm_sentiment_at,
        rows_behind.objectives,
        rows_behind.objectives_on_track,
        rows_behind.touches_90d
    from contracts
    inner join accounts on contracts.account_id = accounts.account_id
    cross join feeds
    left join tiers on contracts.account_id = tiers.account_id
    left join account_usage on contracts.account_id = account_usage.account_id
    left join features on contracts.account_id = features.account_id
    left join tickets on contracts.account_id = tickets.account_id
    left join rows_behind on contracts.account_id = rows_behind.account_id
)
{%- set counts = {
    'support': ['open_tickets', 'open_urgent_tickets', 'solved_tickets_90d', 'reopened_tickets_90d'],
    'csat': ['csat_answers_90d', 'csat_satisfied_90d'],
    'objectives': ['objectives', 'objectives_on_track'],
    'touches': ['touches_90d'],
} %}

select
    account_id,
    day,
    touch_tier,
    tenure_days,
    arr_reporting as arr,
    has_crm,
    has_billing,
    has_product,
    has_support,
    licensed_seats,
    overdue_days,
    cancelling_mrr_share,
    issued_users,
    active_users_28d,
    active_users_before_28d,
    ever_active_users,
    star_players,
    integrations_in_use,
    entitled_features,
    used_features,
    {#- Never is as long ago as the customer is old: silence is a fact about a known account. -#}
    coalesce(days_since_last_core_use, tenure_days) as days_since_core_use,
    coalesce(days_since_last_contact, tenure_days) as days_since_contact,
    {%- for feed, names in counts.items() %}
    {%- for name in names %}
    case when tells_{{ feed }} then cast(coalesce({{ name }}, 0) as {{ dbt.type_bigint() }}) end as {{ name }},
    {%- endfor %}
    {%- endfor %}
    case when tells_support then open_urgent_hours end as open_urgent_hours,
    coalesce(nps_answers_180d, 0) as nps_answers_180d,
    nps_latest,
    csm_sentiment_value,
    csm_sentiment_at
from joined
