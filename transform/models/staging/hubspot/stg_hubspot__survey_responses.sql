{#-
    A type of survey that is not in the seed keeps its answers, without instrument and scale. Who was
    merged into another contact before the first pull is known only by that contact's list.
-#}
with submissions as (
    select * from {{ source('raw_hubspot', 'feedback_submissions') }}
),

contacts as (
    select * from {{ source('raw_hubspot', 'contacts') }}
),

merged as (
    {{ split_to_rows('contacts', ['id', 'archived'], 'properties__hs_calculated_merged_vids', ';') }}
),

survivors as (
    select
        {{ dbt.split_part('part', "':'", 1) }} as loser_id,
        id,
        row_number() over (
            partition by {{ dbt.split_part('part', "':'", 1) }}
            order by case when archived then 1 else 0 end asc, length(id) desc, id desc
        ) as choice
    from merged
    where {{ dbt.split_part('part', "':'", 1) }} <> id
),

scales as (
    select * from {{ ref('survey_scales') }}
    where source = 'hubspot'
)

select
    'hubspot' as source,
    submissions.id as source_id,
    scales.instrument,
    {{ try_cast('submissions.properties__hs_value', 'ratio') }} as score,
    scales.scale_min,
    scales.scale_max,
    coalesce(
        survivors.id, {{ clean('submissions.properties__hs_contact_id') }}
    ) as respondent_source_id,
    cast(null as {{ dbt.type_string() }}) as respondent_email,
    cast(null as {{ dbt.type_string() }}) as account_source_id,
    cast(null as {{ dbt.type_string() }}) as ticket_source_id,
    coalesce(
        {{ iso_to_utc('submissions.properties__hs_submission_timestamp') }},
        {{ iso_to_utc('submissions.properties__hs_createdate') }},
        {{ utc('submissions.created_at') }}
    ) as responded_at,
    coalesce(
        {{ iso_to_utc('submissions.properties__hs_lastmodifieddate') }},
        {{ utc('submissions.updated_at') }}
    ) as updated_at,
    coalesce(submissions.archived, false) as is_deleted
from submissions
left join scales on lower({{ clean('submissions.properties__hs_survey_type') }}) = scales.survey_type
left join survivors
    on
        {{ clean('submissions.properties__hs_contact_id') }} = survivors.loser_id
        and survivors.choice = 1
