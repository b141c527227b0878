with states as (
    select * from {{ ref('int_subscription_states') }}
),

versions as (
    {{ dated_versions('snap_subscription_items', 'created_at') }}
),

currencies as (
    select code from {{ ref('currencies') }}
),

tiers as (
    select
        source,
        price_source_id,
        tier_no,
        up_to,
        unit_amount,
        flat_amount,
        coalesce(lag(up_to) over (partition by source, price_source_id order by tier_no), 0) as above
    from {{ ref('int_price_tiers') }}
),

items as (
    select
        versions.*,
        states.month_on,
        states.measured_on,
        states.is_month_end,
        states.started_on,
        states.account_source_id,
        states.account_id,
        states.is_cancelling,
        states.period_end_on,
        case
            when states.not_counted_because is not null then states.not_counted_because
            when versions.usage_type = 'metered' then 'metered'
        end as not_counted_because,
        {#- A package price is charged per started (or full) package. -#}
        cast(case
            when versions.transform_divide_by > 0 and versions.transform_round = 'up'
                then ceil(versions.quantity * 1.0 / versions.transform_divide_by)
            when versions.transform_divide_by > 0
                then floor(versions.quantity * 1.0 / versions.transform_divide_by)
            else versions.quantity
        end as {{ dbt.type_bigint() }}) as units
    from states
    inner join versions
        on
            states.source = versions.source
            and states.subscription_source_id = versions.subscription_source_id
            and states.measured_on >= versions.valid_from_on
            and (versions.valid_to_on is null or states.measured_on < versions.valid_to_on)
),

tiered as (
    select
        items.source,
        items.source_id,
        items.measured_on,
        count(*) as tiers_found,
        max(case when tiers.up_to is null or tiers.up_to >= items.units then 1 else 0 end) as is_covered,
        sum(case
            when items.units > tiers.above or (items.units = 0 and tiers.above = 0)
                then
                    tiers.flat_amount + tiers.unit_amount * (
                        case when tiers.up_to < items.units then tiers.up_to else items.units end - tiers.above
                    )
        end) as graduated_amount,
        {#- The one tier in which the whole quantity lies. -#}
        sum(case
            when
                (items.units > tiers.above or (items.units = 0 and tiers.above = 0))
                and (tiers.up_to is null or items.units <= tiers.up_to)
                then tiers.flat_amount + tiers.unit_amount * items.units
        end) as volume_amount
    from items
    inner join tiers
        on items.source = tiers.source and items.price_source_id = tiers.price_source_id
    where items.billing_scheme = 'tiered'
    group by items.source, items.source_id, items.measured_on
),

priced as (
    select
        items.*,
        tiered.tiers_found,
        tiered.is_covered,
        currencies.code as known_currency,
        case
            when items.billing_scheme = 'tiered' and items.tiers_mode = 'graduated' then tiered.graduated_amount
            when items.billing_scheme = 'tiered' and items.tiers_mode = 'volume' then tiered.volume_amount
            when items.billing_scheme = 'tiered' then null
            else items.unit_amount * items.units
        end as invoice_amount,
        {{ term_months('items.interval', 'items.interval_count') }} as term_months,
        {#- An engine may read the bare word interval as a type. -#}
        items.interval as billing_interval
    from items
    left join tiered
        on
            items.source = tiered.source
            and items.source_id = tiered.source_id
            and items.measured_on = tiered.measured_on
    left join currencies on items.currency = currencies.code
)

select
    source,
    source_id as item_source_id,
    subscription_source_id,
    account_source_id,
    account_id,
    month_on,
    measured_on,
    is_month_end,
    started_on,
    currency,
    product_source_id,
    product_name,
    is_seat_based,
    product_features,
    quantity,
    usage_type,
    term_months,
    period_end_on,
    is_cancelling,
    not_counted_because,
    invoice_amount,
    {{ per_month('invoice_amount', 'billing_interval', 'interval_count') }} as gross_mrr,
    {#- Why it cannot be priced; NULL when it can, or need not be. First match. -#}
    case
        when not_counted_because = 'unknown_status' then 'unknown_status'
        when not_counted_because = 'ends_before_start' then 'ends_before_start'
        {#- What has not begun is signed all the same, and has to have a price. -#}
        when not_counted_because <> 'not_started' or usage_type = 'metered' then null
        when account_id is null then 'no_account'
        when currency is null then 'no_currency'
        when known_currency is null then 'unknown_currency'
        when term_months is null then 'unknown_interval'
        when quantity is null then 'no_quantity'
        when quantity < 0 then 'negative_quantity'
        when billing_scheme = 'tiered' and tiers_found > 0 and is_covered = 0 then 'quantity_above_last_tier'
        when invoice_amount is null then 'no_price'
        when invoice_amount < 0 then 'negative_price'
    end as exception
from priced
