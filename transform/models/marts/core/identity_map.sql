with ranges as (
    select * from {{ ref('int_link_ranges') }}
),

people as (
    select * from {{ ref('int_person_links') }}
)

select
    source,
    source_id,
    'account' as entity,
    kind,
    account_id,
    rule,
    evidence,
    confidence,
    valid_from,
    valid_to
from ranges
union all
select
    people.source,
    people.source_id,
    people.entity,
    coalesce(ranges.kind, people.kind) as kind,
    coalesce(ranges.account_id, people.account_id) as account_id,
    people.rule,
    people.evidence,
    coalesce(ranges.confidence, people.confidence) as confidence,
    case when ranges.valid_from > people.created_at then ranges.valid_from else people.created_at end as valid_from,
    ranges.valid_to
from people
left join ranges
    on people.source = ranges.source and people.account_source_id = ranges.source_id
where
    coalesce(ranges.account_id, people.account_id) is not null
    and (ranges.valid_to is null or people.created_at is null or people.created_at < ranges.valid_to)
