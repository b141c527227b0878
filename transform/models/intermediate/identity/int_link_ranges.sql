{#-
    From when to when each account record belonged to which account. What the rules said is known
    from the first load on; the oldest placing stands for the time before. Over it lies what people
    decided, for the range that they gave. Ranges of one record never overlap.
-#}
{%- set forever = "cast('9999-12-31' as " ~ dbt.type_timestamp() ~ ")" -%}
{%- set ever = "cast('0001-01-01' as " ~ dbt.type_timestamp() ~ ")" -%}
with links as (
    select * from {{ ref('int_account_links') }}
),

rules as (
    select * from {{ ref('identity_rules') }}
),

recorded as (
    select
        *,
        row_number() over (partition by source, source_id order by dbt_valid_from) as version_no
    from {{ ref('snap_account_links') }}
    where dbt_valid_from <= {{ as_of() }}
),

ended as (
    select
        source,
        source_id,
        kind,
        account_before_override as account_id,
        rule_before_override as rule,
        case
            when version_no = 1 and linked_from_before_override < dbt_valid_from then linked_from_before_override
            else dbt_valid_from
        end as range_from,
        dbt_valid_to as range_to
    from recorded
    where dbt_valid_to <= {{ as_of() }}
),

last_ends as (
    select source, source_id, max(range_to) as range_to from ended
    group by source, source_id
),

by_rule as (
    select
        ended.source,
        ended.source_id,
        ended.kind,
        ended.account_id,
        ended.rule,
        cast(null as {{ dbt.type_string() }}) as evidence,
        rules.confidence,
        ended.range_from,
        ended.range_to
    from ended
    left join rules on ended.rule = rules.rule
    where ended.account_id is not null
    union all
    select
        links.source,
        links.source_id,
        links.kind,
        links.account_before_override as account_id,
        links.rule_before_override as rule,
        case when links.rule = links.rule_before_override then links.evidence end as evidence,
        case when links.rule = links.rule_before_override then links.confidence else rules.confidence end as confidence,
        coalesce(last_ends.range_to, links.linked_from_before_override, {{ ever }}) as range_from,
        {{ forever }} as range_to
    from links
    left join last_ends on links.source = last_ends.source and links.source_id = last_ends.source_id
    left join rules on links.rule_before_override = rules.rule
    where links.account_before_override is not null
),

overrides as (
    select
        *,
        lead(valid_from) over (partition by record_source, record_id order by valid_from) as next_from
    from {{ ref('int_identity_override_targets') }}
    where problem is null
),

decided as (
    select
        overrides.record_source as source,
        overrides.record_id as source_id,
        overrides.action,
        overrides.source_id as decided_in,
        overrides.target_source,
        overrides.target_source_id,
        cast(overrides.valid_from as {{ dbt.type_timestamp() }}) as range_from,
        cast(
            case
                when overrides.next_from < overrides.valid_to or overrides.valid_to is null then overrides.next_from
                else overrides.valid_to
            end as {{ dbt.type_timestamp() }}
        ) as range_to
    from overrides
),

holding as (
    select
        decided.source,
        decided.source_id,
        own.kind,
        case
            when decided.action = 'link' then targets.account_id
            when decided.range_to is null or decided.range_to > {{ as_of() }} then own.account_id
        end as account_id,
        case when decided.action = 'link' then 'manual_link' else own.rule end as rule,
        'decided in ' || decided.decided_in as evidence,
        decided.range_from,
        coalesce(decided.range_to, {{ forever }}) as range_to
    from decided
    inner join links as own on decided.source = own.source and decided.source_id = own.source_id
    left join links as targets
        on decided.target_source = targets.source and decided.target_source_id = targets.source_id
    where decided.action = 'unlink' or targets.account_id is not null
),

free_ranges as (
    select
        source,
        source_id,
        coalesce(lag(range_to) over (partition by source, source_id order by range_from), {{ ever }}) as range_from,
        range_from as range_to
    from holding
    union all
    select source, source_id, max(range_to) as range_from, {{ forever }} as range_to
    from holding
    group by source, source_id
),

left_to_rules as (
    select
        by_rule.source,
        by_rule.source_id,
        by_rule.kind,
        by_rule.account_id,
        by_rule.rule,
        by_rule.evidence,
        by_rule.confidence,
        case when free_ranges.range_from > by_rule.range_from then free_ranges.range_from else by_rule.range_from end
            as range_from,
        case when free_ranges.range_to < by_rule.range_to then free_ranges.range_to else by_rule.range_to end
            as range_to
    from by_rule
    left join free_ranges
        on by_rule.source = free_ranges.source and by_rule.source_id = free_ranges.source_id
),

all_ranges as (
    select * from left_to_rules
    union all
    select
        source,
        source_id,
        kind,
        account_id,
        rule,
        evidence,
        cast(1 as decimal(4, 2)) as confidence,
        range_from,
        range_to
    from holding
    where account_id is not null
)

select
    source,
    source_id,
    kind,
    account_id,
    rule,
    evidence,
    confidence,
    nullif(range_from, {{ ever }}) as valid_from,
    case when range_to <= {{ as_of() }} then range_to end as valid_to
from all_ranges
where range_from < range_to and range_from <= {{ as_of() }}
