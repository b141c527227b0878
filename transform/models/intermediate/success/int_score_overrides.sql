with overrides as (
    {{ entity_with_named_account('score_overrides', 'records.from_on <= ' ~ as_of_day(), ['kind', 'from_on']) }}
)

select
    source,
    source_id,
    account_source_id,
    account_id,
    kind,
    score_cap,
    band,
    author,
    reason,
    from_on,
    expires_on,
    expires_on > {{ as_of_day() }} as is_in_force
from overrides
