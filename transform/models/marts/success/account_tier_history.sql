select
    account_id,
    kind as tier_kind,
    valid_from,
    valid_to,
    valid_to is null as is_current,
    tier,
    tier_by_month_ends,
    because,
    reason,
    version as tier_version,
    override_author,
    override_reason,
    override_ends_on as override_expires_on,
    {{ as_of() }} as as_of
from {{ ref('int_tier_ranges') }}
