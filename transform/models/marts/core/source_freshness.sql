with freshness as (
    select * from {{ ref('int_freshness') }}
)

select
    source,
    kind,
    newest_record_at,
    pulled_at,
    {{ hours_between('newest_record_at', as_of()) }} as data_age_hours,
    {{ hours_between('pulled_at', as_of()) }} as pull_age_hours,
    {{ as_of() }} as as_of
from freshness
