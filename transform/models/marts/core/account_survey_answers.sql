select
    source,
    source_id,
    account_id,
    instrument,
    score,
    scale_min,
    scale_max,
    score_0_100,
    bucket,
    matched_by,
    responded_at
from {{ ref('int_survey_responses') }}
where account_id is not null and not is_deleted
