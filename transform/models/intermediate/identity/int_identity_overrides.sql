with overrides as (
    {{ entity_with_named_account(
        'identity_overrides', 'records.valid_from <= ' ~ as_of_day(), ['record_source', 'record_id', 'valid_from']
    ) }}
),

targets as (
    select * from {{ ref('int_identity_override_targets') }}
)

select
    overrides.source,
    overrides.source_id,
    overrides.record_source,
    overrides.record_id,
    overrides.account_source_id,
    overrides.account_id,
    overrides.action,
    overrides.author,
    overrides.reason,
    overrides.valid_from,
    overrides.valid_to,
    coalesce(targets.is_in_force, false) as is_in_force,
    targets.problem
from overrides
left join targets on overrides.source = targets.source and overrides.source_id = targets.source_id
