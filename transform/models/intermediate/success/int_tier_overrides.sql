{#-
    What a source says of an account and a first day wins over the seed of strategic accounts. An
    override has an end even if nobody named one; a strategic account is one until somebody says no.
-#}
with recorded as (
    {{ entity_with_named_account('tier_overrides', 'records.from_on <= ' ~ as_of_day(), ['from_on']) }}
),

seeded as (
    select * from {{ ref('strategic_accounts') }}
    where valid_from <= {{ as_of_day() }}
),

overrides as (
    select
        source,
        source_id,
        account_source_id,
        account_id,
        touch_tier,
        author,
        reason,
        from_on,
        expires_on,
        case
            when expires_on < {{ dbt.dateadd('day', var('longest_tier_override_days'), 'from_on') }} then expires_on
            else cast({{ dbt.dateadd('day', var('longest_tier_override_days'), 'from_on') }} as date)
        end as ends_on
    from recorded
    union all
    select
        'seed' as source,
        'strategic_accounts:' || seeded.account_id as source_id,
        seeded.account_id as account_source_id,
        seeded.account_id,
        'high' as touch_tier,
        seeded.author,
        seeded.reason,
        seeded.valid_from as from_on,
        seeded.valid_to as expires_on,
        seeded.valid_to as ends_on
    from seeded
    left join recorded
        on seeded.account_id = recorded.account_id and seeded.valid_from = recorded.from_on
    where recorded.account_id is null
)

select
    *,
    ends_on is null or ends_on > {{ as_of_day() }} as is_in_force
from overrides
