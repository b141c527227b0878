{#-
    What health is measured from, apart from each other even where one vendor or file gives several:
    a help desk may be fresh while nobody was surveyed for half a year. A feed that never told
    anything has no row, and what rests on it is unknown.
-#}
with systems as (
    select kind as feed, min(newest_record_at) as newest_record_at
    from {{ ref('int_freshness') }}
    where kind in ('crm', 'billing', 'product', 'support')
    group by kind
),

surveys as (
    select instrument as feed, max(responded_at) as newest_record_at
    from {{ ref('int_survey_responses') }}
    where instrument in ('nps', 'csat') and not is_deleted
    group by instrument
),

sentiment as (
    select max(cast(given_on as {{ dbt.type_timestamp() }})) as newest_record_at
    from {{ ref('int_csm_sentiment') }}
),

objectives as (
    {#- An objective that is left as it was is confirmed by writing it down again. -#}
    select
        max(
            case
                when written_at <= {{ as_of() }} then written_at
                else cast(created_on as {{ dbt.type_timestamp() }})
            end
        ) as newest_record_at
    from ({{ union_entity('objectives') }}) as written
    where created_on <= {{ as_of_day() }}
),

touches as (
    select max(occurred_at) as newest_record_at
    from (
        select occurred_at from {{ ref('int_touches') }}
        union all
        select occurred_at from {{ ref('int_community_activity') }}
    ) as every_touch
)

select * from systems
union all
select * from surveys
{%- for feed in ['sentiment', 'objectives', 'touches'] %}
union all
select '{{ feed }}' as feed, newest_record_at from {{ feed }}
where newest_record_at is not null
{%- endfor %}
