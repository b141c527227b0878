{#-
    What happened, in codes and amounts: the words of people (subjects, notes, titles) and who they
    were stay in the sources, where source and source_id lead.
-#}
{%- set text = dbt.type_string() -%}
{#- kind, rows of, moment, detail, amount, unit, condition -#}
{%- set kinds = [
    ('contact', 'activities', 'occurred_at', 'type', 'null', 'null', 'not is_deleted and coalesce(is_two_way, true)'),
    ('contact_attempt', 'activities', 'occurred_at', 'type', 'null', 'null', 'not is_deleted and not is_two_way'),
    ('opportunity_opened', 'opportunities', 'created_at', 'type', 'amount', 'currency', 'not is_deleted'),
    ('opportunity_won', 'opportunities', 'closed_on', 'type', 'amount', 'currency', 'not is_deleted and is_won'),
    (
        'opportunity_lost', 'opportunities', 'closed_on', 'type', 'amount', 'currency',
        'not is_deleted and is_closed and not is_won',
    ),
    ('subscription_started', 'subscriptions', 'started_at', 'null', 'null', 'null', 'true'),
    ('cancellation_announced', 'subscriptions', 'canceled_at', 'cancellation_reason', 'null', 'null', 'true'),
    ('subscription_ended', 'subscriptions', 'ended_at', 'cancellation_reason', 'null', 'null', 'true'),
    ('invoice_overdue', 'invoices', 'due_at', 'null', 'amount_remaining', 'currency', "status = 'overdue'"),
    ('payment_failed', 'payments', 'created_at', 'failure_code', 'amount', 'currency', "status = 'failed'"),
    ('ticket_opened', 'tickets', 'created_at', 'priority', 'null', 'null', 'true'),
    ('ticket_solved', 'tickets', 'solved_at', 'priority', 'null', 'null', 'true'),
    ('survey_answer', 'answers', 'responded_at', 'instrument', 'score', "'points'", 'true'),
    ('touch', 'touches', 'occurred_at', 'type', 'null', 'null', 'true'),
    ('objective_set', 'objectives', 'created_on', 'null', 'null', 'null', 'true'),
    ('objective_met', 'objectives', 'met_on', 'null', 'null', 'null', 'true'),
    ('note', 'notes', 'noted_on', 'kind', 'null', 'null', 'true'),
    ('csm_sentiment', 'sentiment', 'given_on', 'sentiment', 'null', 'null', 'true'),
    ('score_override', 'overrides', 'from_on', 'coalesce(band, kind)', 'score_cap', "'points'", 'true'),
    ('band_changed', 'bands', 'day', 'health_band', 'health_score', "'points'", 'health_band <> band_before'),
    ('mrr_movement', 'movements', 'month_on', 'movement', 'amount_reporting', 'reporting_currency', 'true'),
    ('renewal_decided', 'renewals', 'due_on', 'outcome', 'arr_due_reporting', 'reporting_currency', "outcome <> 'open'"),
] -%}
with activities as (
    select * from {{ ref('int_activities') }}
),

opportunities as (
    select * from {{ ref('int_opportunities') }}
),

subscriptions as (
    select * from {{ ref('int_subscriptions') }}
),

invoices as (
    select * from {{ ref('account_invoices') }}
),

payments as (
    select * from {{ ref('int_payments') }}
),

tickets as (
    select * from {{ ref('account_tickets') }}
),

answers as (
    select * from {{ ref('account_survey_answers') }}
),

touches as (
    select source, source_id, account_id, type, occurred_at from {{ ref('int_touches') }}
    union all
    select source, source_id, account_id, type, occurred_at from {{ ref('int_community_activity') }}
),

objectives as (
    select * from {{ ref('int_objectives') }}
),

notes as (
    select * from {{ ref('int_account_notes') }}
),

sentiment as (
    select * from {{ ref('int_csm_sentiment') }}
),

overrides as (
    select * from {{ ref('int_score_overrides') }}
),

movements as (
    {#- What is worked out here is no record of any source. -#}
    select
        *,
        null as source,
        null as source_id
    from {{ ref('mrr_movements') }}
    where movement in ('new', 'reactivation', 'expansion', 'contraction', 'churn')
),

renewals as (
    select
        *,
        item_source_id as source_id
    from {{ ref('renewals') }}
),

bands as (
    select
        null as source,
        null as source_id,
        account_id,
        day,
        health_band,
        health_score,
        lag(health_band) over (partition by account_id order by day) as band_before
    from {{ ref('customer_health_history') }}
    where is_in_force
),

happened as (
    {%- for kind, rows, moment, detail, amount, unit, condition in kinds %}
    select
        account_id,
        cast({{ moment }} as {{ dbt.type_timestamp() }}) as happened_at,
        '{{ kind }}' as kind,
        cast({{ detail }} as {{ text }}) as detail,
        cast({{ amount }} as {{ sql_type('money') }}) as amount,
        cast({{ unit }} as {{ text }}) as unit,
        cast(source as {{ text }}) as source,
        cast(source_id as {{ text }}) as source_id
    from {{ rows }}
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from happened
where account_id is not null and happened_at <= {{ as_of() }}
