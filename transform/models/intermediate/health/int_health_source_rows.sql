{#-
    The rows of the sources that each measure stands on: what is counted is what stands here. Use and
    seats are told by thousands of events, so their row is the record of the account in the product.
    `row_value`: hours that an urgent ticket has been urgent, the answer to an NPS, a colour as 0 to
    2, days overdue, else whether the row counts as good (objectives, CSAT) or bad (reopened).
-#}
with tickets as (
    select * from {{ ref('int_tickets') }}
    where account_id is not null and not is_deleted
),

calm as (
    {#- When a ticket was last not urgent, or not open: what was escalated today was not urgent before. -#}
    select source, source_id, max(valid_to) as calm_until
    from {{ ref('int_ticket_versions') }}
    where not coalesce(priority = 'urgent' and status in ('open', 'waiting') and not is_deleted, false)
    group by source, source_id
),

contacts as (
    select source, source_id, min(lower(email)) as email
    from {{ ref('int_contacts') }}
    group by source, source_id
),

answers as (
    select
        responses.*,
        coalesce(
            lower(trim(responses.respondent_email)),
            contacts.email,
            responses.source || ':' || responses.respondent_source_id,
            responses.source || ':answer ' || responses.source_id
        ) as respondent
    from {{ ref('int_survey_responses') }} as responses
    left join contacts
        on responses.source = contacts.source and responses.respondent_source_id = contacts.source_id
    where responses.account_id is not null and responses.score_0_100 is not null and not responses.is_deleted
),

promoters as (
    {#- Of every contact only the last answer, and only on the scale of the NPS. -#}
    select
        answers.*,
        row_number() over (
            partition by account_id, respondent order by responded_at desc, source asc, source_id desc
        ) as recency
    from answers
    where
        instrument = 'nps' and scale_min = 0 and scale_max = 10
        and responded_at > {{ dbt.dateadd('day', -180, as_of()) }}
),

contact as (
    select
        *,
        row_number() over (partition by account_id order by occurred_at desc, source asc, source_id asc) as recency
    from {{ ref('int_activities') }}
    where is_two_way and not is_deleted and occurred_at <= {{ as_of() }} and account_id is not null
),

touches as (
    {%- for model in ['int_touches', 'int_community_activity'] %}
    select source, source_id, account_id, occurred_at from {{ ref(model) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

found as (
    select
        'open_urgent_tickets' as measure,
        tickets.account_id,
        tickets.source,
        tickets.source_id,
        tickets.created_at as row_at,
        {{ hours_between('coalesce(calm.calm_until, tickets.created_at)', as_of()) }} as row_value
    from tickets
    left join calm on tickets.source = calm.source and tickets.source_id = calm.source_id
    where tickets.is_open_urgent
    union all
    select
        'reopened_share_90d' as measure,
        account_id,
        source,
        source_id,
        created_at as row_at,
        case when reopened_count > 0 then 1 else 0 end as row_value
    from tickets
    where (solved_at is not null or reopened_count > 0) and created_at > {{ dbt.dateadd('day', -90, as_of()) }}
    union all
    select
        'csat_90d' as measure,
        account_id,
        source,
        source_id,
        responded_at as row_at,
        case when score_0_100 >= {{ var('csat_satisfied_from_pct') }} then 1 else 0 end as row_value
    from answers
    where instrument = 'csat' and responded_at > {{ dbt.dateadd('day', -90, as_of()) }}
    union all
    select 'nps_180d' as measure, account_id, source, source_id, responded_at as row_at, score as row_value
    from promoters
    where recency = 1
    union all
    select
        'csm_sentiment' as measure,
        account_id,
        source,
        source_id,
        cast(given_on as {{ dbt.type_timestamp() }}) as row_at,
        case sentiment when 'red' then 0 when 'yellow' then 1 when 'green' then 2 end as row_value
    from {{ ref('int_csm_sentiment') }}
    where is_latest and account_id is not null and (expires_on is null or expires_on > {{ as_of_day() }})
    union all
    select
        'objectives_on_track' as measure,
        account_id,
        source,
        source_id,
        cast(created_on as {{ dbt.type_timestamp() }}) as row_at,
        case
            when status = 'met' or (status = 'active' and coalesce(target_on >= {{ as_of_day() }}, true)) then 1
            else 0
        end as row_value
    from {{ ref('int_objectives') }}
    where
        account_id is not null
        and (
            status = 'active'
            or (
                status in ('met', 'missed')
                and coalesce(met_on, target_on, created_on)
                > {{ dbt.dateadd('day', '-' ~ var('objective_memory_days'), as_of_day()) }}
            )
        )
    union all
    select 'touches_90d' as measure, account_id, source, source_id, occurred_at as row_at, 1 as row_value
    from touches
    where account_id is not null and occurred_at > {{ dbt.dateadd('day', -90, as_of()) }}
    union all
    select 'days_since_contact' as measure, account_id, source, source_id, occurred_at as row_at, null as row_value
    from contact
    where recency = 1
    union all
    select 'overdue_days' as measure, account_id, source, source_id, due_at as row_at, overdue_days as row_value
    from {{ ref('int_overdue_invoices') }}
    where account_id is not null
    {%- for measure, how in health_measure_catalog().items() if how.feed == 'product' %}
    union all
    select '{{ measure }}' as measure, account_id, source, source_id, linked_from as row_at, null as row_value
    from {{ ref('int_account_links') }}
    where kind = 'product' and account_id is not null
    {%- endfor %}
)

select
    account_id,
    measure,
    source,
    source_id,
    row_at,
    cast(row_value as {{ sql_type('ratio') }}) as row_value
from found
