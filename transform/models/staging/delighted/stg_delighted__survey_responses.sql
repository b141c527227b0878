{#- A type of survey that is not in the seed keeps its answers, without instrument and scale. -#}
with responses as (
    select * from {{ source('raw_delighted', 'survey_responses') }}
),

scales as (
    select * from {{ ref('survey_scales') }}
    where source = 'delighted'
)

select
    'delighted' as source,
    responses.id as source_id,
    scales.instrument,
    responses.score,
    scales.scale_min,
    scales.scale_max,
    {{ clean('responses.person__id') }} as respondent_source_id,
    lower({{ clean('responses.person__email') }}) as respondent_email,
    {{ clean('responses.account_key') }} as account_source_id,
    cast(null as {{ dbt.type_string() }}) as ticket_source_id,
    {{ utc('responses.created_at') }} as responded_at,
    {{ utc('responses.updated_at') }} as updated_at,
    coalesce(responses.deleted, false) as is_deleted
from responses
left join scales on lower({{ clean('responses.survey_type') }}) = scales.survey_type
