{#-
    An account's money in its own currency and in the reporting currency. An account that paid in
    several currencies has no own one: it is kept in the reporting currency. Movements are taken in
    the currency of the contract and converted at the month's own rate, so that a rate that moves is
    never growth or loss; what the rates did to the opening balance is the fx line. What came from or
    went to another account is a transfer; what is left is the movement.
-#}
{%- set grown = "classified.movement = 'expansion'" -%}
{#- Growth is cross-sell as far as products explain it that were not there the month before. -#}
{%- set share -%}
    case
        when new_products.mrr_reporting >= classified.movement_reporting then 1
        else coalesce(new_products.mrr_reporting / nullif(classified.movement_reporting, 0), 0)
    end
{%- endset -%}
with currency_rows as (
    select * from {{ ref('int_account_currency_mrr') }}
),

involuntary as (
    select account_id, month_on
    from {{ ref('int_item_mrr') }}
    where not_counted_because in ('past_due_too_long', 'unpaid') and account_id is not null
    group by account_id, month_on
),

currencies as (
    select account_id, count(distinct currency) as currencies, min(currency) as currency
    from currency_rows
    group by account_id
),

summed as (
    select
        account_id,
        month_on,
        measured_on,
        is_closed,
        sum(mrr) as native_mrr,
        sum(opening_mrr) as native_opening,
        sum(transfer_mrr) as native_transfer,
        sum(contracted_mrr) as native_contracted,
        sum(usage_mrr) as native_usage,
        sum(items_counted) as items_counted,
        min(first_origin) as first_origin,
        max(last_origin) as last_origin,
        {#- One unknown part makes the sum unknown, not smaller. -#}
        case when count(*) = count(mrr_reporting) then sum(mrr_reporting) end as mrr_reporting,
        case when count(*) = count(usage_mrr_reporting) then sum(usage_mrr_reporting) end
            as usage_mrr_reporting,
        case when count(*) = count(transfer_reporting) then sum(transfer_reporting) end
            as transfer_reporting,
        case when count(*) = count(contracted_mrr_reporting) then sum(contracted_mrr_reporting) end
            as contracted_mrr_reporting,
        case when count(*) = count(movement_reporting) then sum(movement_reporting) end
            as movement_reporting
    from currency_rows
    group by account_id, month_on, measured_on, is_closed
),

followed as (
    select
        summed.*,
        currencies.currencies > 1 as is_multi_currency,
        case when currencies.currencies > 1 then '{{ var("reporting_currency") }}' else currencies.currency end
            as currency,
        lag(summed.mrr_reporting, 1, 0) over (partition by summed.account_id order by summed.month_on)
            as opening_mrr_reporting,
        coalesce(max(summed.native_mrr) over (
            partition by summed.account_id order by summed.month_on
            rows between unbounded preceding and 1 preceding
        ), 0) > 0 as paid_before,
        max(summed.native_mrr + summed.native_usage) over (
            partition by summed.account_id order by summed.month_on
            rows between unbounded preceding and current row
        ) > 0 as has_paid
    from summed
    inner join currencies on summed.account_id = currencies.account_id
),

moved as (
    select
        *,
        case when is_multi_currency then mrr_reporting else native_mrr end as mrr,
        case when is_multi_currency then opening_mrr_reporting else native_opening end as opening_mrr,
        case when is_multi_currency then usage_mrr_reporting else native_usage end as usage_mrr,
        case when is_multi_currency then contracted_mrr_reporting else native_contracted end as contracted_mrr,
        case when is_multi_currency then transfer_reporting else native_transfer end as transfer,
        case when is_multi_currency then movement_reporting else native_mrr - native_opening - native_transfer end
            as change
    from followed
),

new_products as (
    select * from {{ ref('int_new_products') }}
),

classified as (
    select
        *,
        {#- Whether anything was paid before is asked first: a return would pass for an expansion. -#}
        case
            when native_transfer <> 0 and change = 0 then 'transfer'
            when native_opening = 0 and native_transfer = 0 and native_mrr > 0 and paid_before then 'reactivation'
            when native_opening = 0 and native_transfer = 0 and native_mrr > 0 then 'new'
            when native_opening + native_transfer > 0 and native_mrr = 0 then 'churn'
            when native_opening = 0 and native_mrr = 0 then 'none'
            when change > 0 then 'expansion'
            when change < 0 then 'contraction'
            when change = 0 then 'none'
        end as movement
    from moved
)

select
    classified.account_id,
    classified.month_on,
    classified.measured_on,
    classified.is_closed,
    classified.currency,
    classified.is_multi_currency,
    classified.movement,
    case when classified.movement = 'churn' then involuntary.account_id is not null end as is_involuntary,
    {{ money('classified.opening_mrr') }} as opening_mrr,
    {%- for movement in mrr_movements() %}
    {{ money("case when classified.movement = '" ~ movement ~ "' then classified.change else 0 end") }}
        as {{ movement }}_mrr,
    {%- endfor %}
    {{ money('case when ' ~ grown ~ ' then classified.change * ' ~ share ~ ' else 0 end') }} as cross_sell_mrr,
    {{ money('classified.transfer') }} as transfer_mrr,
    {{ money('classified.mrr - classified.opening_mrr - classified.transfer - classified.change') }} as fx_mrr,
    {{ money('classified.mrr') }} as mrr,
    {{ money('classified.usage_mrr') }} as usage_mrr,
    {{ money('classified.opening_mrr_reporting') }} as opening_mrr_reporting,
    {%- for movement in mrr_movements() %}
    {{ money("case when classified.movement = '" ~ movement ~ "' then classified.movement_reporting else 0 end") }}
        as {{ movement }}_mrr_reporting,
    {%- endfor %}
    {{ money('case when ' ~ grown ~ ' then classified.movement_reporting * ' ~ share ~ ' else 0 end') }}
        as cross_sell_mrr_reporting,
    {{ money('classified.transfer_reporting') }} as transfer_mrr_reporting,
    {{ money(
        'classified.mrr_reporting - classified.opening_mrr_reporting - classified.transfer_reporting'
        ~ ' - classified.movement_reporting'
    ) }} as fx_mrr_reporting,
    {{ money('classified.mrr_reporting') }} as mrr_reporting,
    {{ money('classified.usage_mrr_reporting') }} as usage_mrr_reporting,
    {{ money('12 * classified.mrr_reporting') }} as arr_reporting,
    {{ money('12 * classified.contracted_mrr') }} as carr,
    {{ money('12 * classified.contracted_mrr_reporting') }} as carr_reporting,
    classified.has_paid,
    cast(classified.items_counted as {{ dbt.type_bigint() }}) as items_counted,
    case
        when classified.first_origin is null then 'none'
        when classified.first_origin = classified.last_origin then classified.first_origin
        else 'mixed'
    end as origin
from classified
left join involuntary
    on classified.account_id = involuntary.account_id and classified.month_on = involuntary.month_on
left join new_products
    on classified.account_id = new_products.account_id and classified.month_on = new_products.month_on
