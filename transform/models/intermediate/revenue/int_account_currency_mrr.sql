with months as (
    select * from {{ ref('int_mrr_months') }}
),

items as (
    select
        account_id,
        currency,
        month_on,
        sum(mrr) as mrr,
        count(case when mrr > 0 then 1 end) as items_counted,
        min(origin) as first_origin,
        max(origin) as last_origin
    from {{ ref('int_item_mrr') }}
    where account_id is not null and currency is not null and not_counted_because is null and exception is null
    group by account_id, currency, month_on
),

usage_rows as (
    select * from {{ ref('int_usage_mrr') }}
),

signed as (
    select account_id, currency, month_on, sum(contracted_mrr) as contracted_mrr
    from {{ ref('int_item_mrr') }}
    where account_id is not null and currency is not null and exception is null
    group by account_id, currency, month_on
),

begun as (
    select account_id, currency, min(month_on) as month_on
    from (
        select account_id, currency, month_on from items
        where mrr > 0
        union all
        select account_id, currency, month_on from usage_rows
        where usage_mrr > 0
        union all
        select account_id, currency, month_on from signed
        where contracted_mrr > 0
    ) as paid
    group by account_id, currency
),

transfers as (
    select account_id, currency, month_on, sum(amount) as amount
    from (
        select to_account_id as account_id, currency, month_on, amount from {{ ref('int_mrr_transfers') }}
        union all
        select from_account_id as account_id, currency, month_on, -amount as amount
        from {{ ref('int_mrr_transfers') }}
    ) as moved
    group by account_id, currency, month_on
),

first_load as (
    {#- What is signed and what is going to end is known from the day on which records were looked at. -#}
    select max(first_load_on) as first_load_on
    from (
        select {{ local_date('min(dbt_valid_from)') }} as first_load_on from {{ ref('snap_subscriptions') }}
        where dbt_valid_from <= {{ as_of() }}
        group by source
    ) as loads
),

rates as (
    select * from {{ ref('int_exchange_rates') }}
),

native as (
    {#- From the first paid month on every month has a row: what is not there any more is a zero. -#}
    select
        begun.account_id,
        begun.currency,
        months.month_on,
        months.measured_on,
        months.is_closed,
        coalesce(items.mrr, 0) as mrr,
        lag(coalesce(items.mrr, 0), 1, 0) over (
            partition by begun.account_id, begun.currency order by months.month_on
        ) as opening_mrr,
        coalesce(transfers.amount, 0) as transfer_mrr,
        coalesce(usage_rows.usage_mrr, 0) as usage_mrr,
        case
            when months.measured_on >= first_load.first_load_on then coalesce(signed.contracted_mrr, 0)
        end as contracted_mrr,
        coalesce(items.items_counted, 0) as items_counted,
        items.first_origin,
        items.last_origin
    from begun
    inner join months on begun.month_on <= months.month_on
    cross join first_load
    left join items
        on
            begun.account_id = items.account_id
            and begun.currency = items.currency
            and months.month_on = items.month_on
    left join usage_rows
        on
            begun.account_id = usage_rows.account_id
            and begun.currency = usage_rows.currency
            and months.month_on = usage_rows.month_on
    left join signed
        on
            begun.account_id = signed.account_id
            and begun.currency = signed.currency
            and months.month_on = signed.month_on
    left join transfers
        on
            begun.account_id = transfers.account_id
            and begun.currency = transfers.currency
            and months.month_on = transfers.month_on
)

select
    native.account_id,
    native.currency,
    native.month_on,
    native.measured_on,
    native.is_closed,
    {{ money('native.mrr') }} as mrr,
    {{ money('native.opening_mrr') }} as opening_mrr,
    {{ money('native.transfer_mrr') }} as transfer_mrr,
    {{ money('native.usage_mrr') }} as usage_mrr,
    {{ money('native.contracted_mrr') }} as contracted_mrr,
    native.items_counted,
    native.first_origin,
    native.last_origin,
    rates.rate,
    {#- Nothing is nothing in every currency; anything else needs a rate. -#}
    case when native.mrr = 0 then 0 else {{ money('native.mrr * rates.rate') }} end as mrr_reporting,
    case when native.usage_mrr = 0 then 0 else {{ money('native.usage_mrr * rates.rate') }} end
        as usage_mrr_reporting,
    case when native.contracted_mrr = 0 then 0 else {{ money('native.contracted_mrr * rates.rate') }} end
        as contracted_mrr_reporting,
    case when native.transfer_mrr = 0 then 0 else {{ money('native.transfer_mrr * rates.rate') }} end
        as transfer_reporting,
    case
        when native.mrr = native.opening_mrr + native.transfer_mrr then 0
        else {{ money('(native.mrr - native.opening_mrr - native.transfer_mrr) * rates.rate') }}
    end as movement_reporting
from native
left join rates
    on
        native.currency = rates.currency
        and native.measured_on >= rates.valid_from
        and (rates.valid_to is null or native.measured_on < rates.valid_to)
