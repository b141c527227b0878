{#- The tiers of today's customers, and why; a tier that today's rule would not give says what holds it. -#}
with months as (
    select * from {{ ref('int_tier_months') }}
    where not is_closed
),

facts as (
    select * from {{ ref('int_tier_facts') }}
    where not is_closed
),

ranges as (
    select * from {{ ref('int_tier_ranges') }}
    where valid_to is null
),

reasons as (
    select * from {{ ref('int_tier_reasons') }}
),

kinds as (
    select
        months.account_id,
        months.kind,
        ranges.tier,
        {{ tier_at('months.kind', 'months.met_place') }} as tier_of_rules,
        case
            when ranges.because in ('strategic', 'override') then ranges.because
            when months.place is null then 'unknown'
            when months.place = months.met_place then 'rule'
            else 'held'
        end as basis,
        case
            when ranges.because in ('strategic', 'override') or months.place is null then ranges.reason
            when months.place = months.met_place then reasons.reason
            when months.met_place is null then 'ARR is unknown; the tier stays that of the last month-end that knew it'
            else
                'Stays until two month-ends in a row or a renewal say otherwise; today '
                || {{ tier_at('months.kind', 'months.met_place') }} || ': ' || reasons.reason
        end as reason,
        ranges.valid_from as since_on,
        reasons.version,
        ranges.override_author,
        ranges.override_reason,
        ranges.override_ends_on
    from months
    inner join ranges on months.account_id = ranges.account_id and months.kind = ranges.kind
    left join reasons
        on
            months.account_id = reasons.account_id
            and months.kind = reasons.kind
            and months.month_on = reasons.month_on
),

strategic as (
    select distinct account_id from {{ ref('int_tier_overrides') }}
    where source = 'seed' and is_in_force
)

select
    facts.account_id,
    {%- for kind in tier_scales() %}
    {{ kind }}_kind.version as {{ 'tier' if kind == 'touch' else 'value_tier' }}_version,
    {{ kind }}_kind.tier as {{ kind }}_tier,
    {{ kind }}_kind.reason as {{ kind }}_tier_reason,
    {{ kind }}_kind.basis as {{ kind }}_tier_basis,
    {{ kind }}_kind.tier_of_rules as {{ kind }}_tier_of_rules,
    {{ kind }}_kind.since_on as {{ kind }}_tier_since,
    {%- endfor %}
    touch_kind.override_author,
    touch_kind.override_reason,
    touch_kind.override_ends_on as override_expires_on,
    facts.arr,
    cast(facts.complexity as {{ dbt.type_bigint() }}) as complexity,
    strategic.account_id is not null as is_strategic,
    facts.motion,
    facts.employee_count,
    facts.products,
    facts.currencies,
    facts.integrations,
    facts.child_accounts
from facts
left join kinds as touch_kind on facts.account_id = touch_kind.account_id and touch_kind.kind = 'touch'
left join kinds as value_kind on facts.account_id = value_kind.account_id and value_kind.kind = 'value'
left join strategic on facts.account_id = strategic.account_id
