{#- Per kind of tier the first rule of the version of that day which a customer met; NULL if none is certain. -#}
with facts as (
    select * from {{ ref('int_tier_facts') }}
),

all_rules as (
    select
        *,
        {{ tier_rank('tier') }} as tier_place,
        max(case when currency = '{{ var("reporting_currency") }}' then 1 else 0 end) over (partition by version, kind)
            as has_amounts
    from {{ ref('tiers') }}
),

rules as (
    select * from all_rules
    where (has_amounts = 1 and currency = '{{ var("reporting_currency") }}') or (has_amounts = 0 and currency is null)
),

met as (
    select
        facts.account_id,
        facts.month_on,
        rules.kind,
        rules.version,
        min(rules.sort_order) as sort_order
    from facts
    inner join rules
        on
            facts.measured_on >= rules.effective_from
            and (rules.effective_to is null or facts.measured_on < rules.effective_to)
            and (rules.min_arr is null or facts.arr >= rules.min_arr)
            and (
                rules.min_arr_percentile is null
                or (
                    facts.other_customers > 0
                    and 100 * facts.customers_below >= rules.min_arr_percentile * facts.other_customers
                )
            )
            and (rules.min_complexity is null or facts.complexity >= rules.min_complexity)
            and (rules.min_employees is null or facts.employee_count >= rules.min_employees)
            and (rules.motion is null or facts.motion = rules.motion)
            {#- An unknown ARR might meet any rule that comes first; only the highest tier can be no higher. -#}
            and (facts.arr is not null or (rules.min_employees is not null and rules.tier_place = 3))
    group by facts.account_id, facts.month_on, rules.kind, rules.version
),

kinds as (
    {%- for kind in tier_scales() %}
    select '{{ kind }}' as kind
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    facts.account_id,
    kinds.kind,
    facts.month_on,
    facts.measured_on,
    facts.is_closed,
    facts.renewed_on,
    facts.first_paid_on,
    met.version,
    met.sort_order,
    rules.tier_place as met_place
from facts
cross join kinds
left join met
    on facts.account_id = met.account_id and facts.month_on = met.month_on and kinds.kind = met.kind
left join rules
    on met.kind = rules.kind and met.version = rules.version and met.sort_order = rules.sort_order
