{#- The first tier rule that an account meets; only customers have a tier. -#}
with contracts as (
    select * from {{ ref('int_account_contracts') }}
    where is_customer
),

account_usage as (
    select account_id, integrations_in_use from {{ ref('int_account_usage') }}
),

children as (
    select parent_account_id as account_id, count(*) as child_accounts
    from {{ ref('int_account_master') }}
    where parent_account_id is not null and parent_account_id <> account_id and not is_deleted
    group by parent_account_id
),

strategic as (
    select distinct account_id from {{ ref('strategic_accounts') }}
    where valid_from <= {{ as_of_day() }} and (valid_to is null or valid_to > {{ as_of_day() }})
),

facts as (
    select
        contracts.account_id,
        contracts.arr_reporting as arr,
        strategic.account_id is not null as is_strategic,
        contracts.paid_products as products,
        contracts.currencies,
        coalesce(account_usage.integrations_in_use, 0) as integrations,
        coalesce(children.child_accounts, 0) as child_accounts
    from contracts
    left join account_usage on contracts.account_id = account_usage.account_id
    left join children on contracts.account_id = children.account_id
    left join strategic on contracts.account_id = strategic.account_id
),

signals as (
    {%- for signal in ['products', 'currencies', 'integrations', 'child_accounts'] %}
    select account_id, '{{ signal }}' as signal, {{ signal }} as signal_value from facts
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

complexity as (
    select signals.account_id, coalesce(sum(points.points), 0) as complexity
    from signals
    left join {{ ref('tier_complexity') }} as points
        on signals.signal = points.signal and signals.signal_value >= points.min_value
    group by signals.account_id
),

rules as (
    select * from {{ ref('tiers') }}
    where effective_from <= {{ as_of_day() }} and (effective_to is null or effective_to > {{ as_of_day() }})
),

matched as (
    select
        facts.*,
        complexity.complexity,
        rules.version,
        rules.touch_tier,
        rules.min_arr,
        rules.min_complexity,
        rules.reason,
        row_number() over (partition by facts.account_id order by rules.sort_order) as choice
    from facts
    inner join complexity on facts.account_id = complexity.account_id
    left join rules
        on
            (rules.min_arr is null or facts.arr >= rules.min_arr)
            and (rules.min_complexity is null or complexity.complexity >= rules.min_complexity)
            and (not rules.requires_strategic or facts.is_strategic)
            {#- The rule for the rest says that the ARR is small, which of an unknown one nobody knows. -#}
            and (facts.arr is not null or rules.requires_strategic)
)

select
    account_id,
    version as tier_version,
    touch_tier,
    case
        when touch_tier is null then 'ARR is unknown'
        else {{ fill('reason', {
            'arr': whole('arr') ~ " || ' " ~ var('reporting_currency') ~ "'",
            'min_arr': whole('min_arr'),
            'complexity': whole('complexity'),
            'min_complexity': whole('min_complexity'),
        }) }}
    end as touch_tier_reason,
    arr,
    cast(complexity as {{ dbt.type_bigint() }}) as complexity,
    is_strategic,
    products,
    currencies,
    integrations,
    child_accounts
from matched
where choice = 1
