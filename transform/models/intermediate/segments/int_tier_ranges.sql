{#-
    From when to when a customer had which tier. What month-ends decided goes on underneath a decision
    by hand, and shows again on the day on which that one ends.
-#}
with months as (
    select * from {{ ref('int_tier_months') }}
),

reasons as (
    select * from {{ ref('int_tier_reasons') }}
),

changes as (
    select
        *,
        lead(from_on) over (partition by account_id, kind, spell order by month_on) as next_on,
        case
            when last_month_on < cast({{ dbt.date_trunc('month', as_of_day()) }} as date)
                then cast({{ dbt.dateadd('month', 1, 'last_month_on') }} as date)
        end as spell_ends_on
    from months
    where is_change
),

decided as (
    select
        changes.account_id,
        changes.kind,
        changes.spell,
        changes.from_on,
        coalesce(changes.next_on, changes.spell_ends_on) as to_on,
        {{ tier_at('changes.kind', 'changes.place') }} as tier,
        changes.because,
        reasons.version,
        coalesce(reasons.reason, 'ARR is unknown') as reason
    from changes
    left join reasons
        on
            changes.account_id = reasons.account_id
            and changes.kind = reasons.kind
            and changes.rule_month_on = reasons.month_on
    where
        coalesce(changes.next_on, changes.spell_ends_on) is null
        or coalesce(changes.next_on, changes.spell_ends_on) > changes.from_on
),

overrides as (
    select *, 'touch' as kind from {{ ref('int_tier_overrides') }}
    where account_id is not null and author is not null and reason is not null
),

bounds as (
    select account_id, kind, from_on as bound_on from overrides
    union
    select account_id, kind, ends_on as bound_on from overrides
    where ends_on <= {{ as_of_day() }}
),

starts as (
    select account_id, kind, from_on, from_on as starts_on from decided
    union
    select decided.account_id, decided.kind, decided.from_on, bounds.bound_on as starts_on
    from decided
    inner join bounds
        on
            decided.account_id = bounds.account_id
            and decided.kind = bounds.kind
            and decided.from_on < bounds.bound_on
            and (decided.to_on is null or decided.to_on > bounds.bound_on)
),

pieces as (
    {#- Of several decisions by hand the one that began last holds, what a source says before a seed. -#}
    select
        starts.account_id,
        starts.kind,
        starts.from_on,
        starts.starts_on,
        overrides.source as override_source,
        overrides.source_id as override_id,
        overrides.touch_tier as override_tier,
        overrides.author,
        overrides.reason as override_reason,
        overrides.ends_on,
        row_number() over (
            partition by starts.account_id, starts.kind, starts.starts_on
            order by
                overrides.from_on desc nulls last,
                case when overrides.source = 'seed' then 2 else 1 end,
                overrides.source_id desc
        ) as choice
    from starts
    left join overrides
        on
            starts.account_id = overrides.account_id
            and starts.kind = overrides.kind
            and starts.starts_on >= overrides.from_on
            and (overrides.ends_on is null or starts.starts_on < overrides.ends_on)
),

joined as (
    select
        pieces.*,
        decided.spell,
        decided.to_on,
        decided.tier as decided_tier,
        decided.because,
        decided.version,
        decided.reason,
        coalesce(
            pieces.override_source || ':' || pieces.override_id,
            {{ dbt.cast('pieces.from_on', dbt.type_string()) }}
        ) as origin
    from pieces
    inner join decided
        on
            pieces.account_id = decided.account_id
            and pieces.kind = decided.kind
            and pieces.from_on = decided.from_on
    where pieces.choice = 1
),

compared as (
    select
        *,
        lag(origin) over (partition by account_id, kind, spell order by starts_on) as origin_before,
        {#- Where a spell ends in the range that is its last. -#}
        last_value(to_on) over (
            partition by account_id, kind, spell order by starts_on
            rows between unbounded preceding and unbounded following
        ) as spell_to_on
    from joined
),

begun as (
    select * from compared
    where origin_before is null or origin_before <> origin
)

select
    account_id,
    kind,
    starts_on as valid_from,
    coalesce(lead(starts_on) over (partition by account_id, kind, spell order by starts_on), spell_to_on) as valid_to,
    case when override_id is null then decided_tier else override_tier end as tier,
    decided_tier as tier_by_month_ends,
    case
        when override_id is null then because
        when override_source = 'seed' then 'strategic'
        else 'override'
    end as because,
    case
        when override_id is null then reason
        when override_source = 'seed' then 'Strategic account: ' || override_reason
        else
            'Decided by hand'
            || coalesce(' until ' || {{ dbt.cast('ends_on', dbt.type_string()) }}, '') || ': ' || override_reason
    end as reason,
    case when override_id is null then version end as version,
    case when override_id is not null then author end as override_author,
    case when override_id is not null then override_reason end as override_reason,
    case when override_id is not null then ends_on end as override_ends_on
from begun
