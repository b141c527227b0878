with overrides as (
    {{ entity_with_named_account(
        'identity_overrides', 'records.valid_from <= ' ~ as_of_day(), ['record_source', 'record_id', 'valid_from']
    ) }}
)

select
    source,
    source_id,
    record_source,
    record_id,
    account_source_id,
    account_id,
    action,
    author,
    reason,
    valid_from,
    valid_to,
    valid_to is null or valid_to > {{ as_of_day() }} as is_in_force
from overrides
