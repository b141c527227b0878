{#-
    Who was a customer on the last stored day of each month, and under which account its revenue stands
    today. Read from what was stored, so an account that was deleted or renamed since then is still
    there; its revenue is then looked up where its billing records are today.
-#}
with stored as (
    select account_id, day, touch_tier, tenure_days, arr, cancelling_mrr_share, loaded_at
    from {{ ref('health_measures_daily') }}
),

observed_days as (
    {#- The last stored day of a month; one too far from the month's end stands for no month-end. -#}
    select max(day) as observed_on
    from (select distinct day from stored) as days
    group by {{ dbt.date_trunc('month', 'day') }}
    having
        {{ dbt.datediff(
            'max(day)', dbt.last_day('max(day)', 'month'), 'day'
        ) }} <= {{ var('history_gap_days') }}
),

observed as (
    select
        stored.*,
        observed_days.observed_on,
        cast({{ dbt.date_trunc('month', 'observed_days.observed_on') }} as date) as month_on,
        case
            when
                {{ dbt.datediff(
                    'stored.day', 'stored.loaded_at', 'day'
                ) }} <= {{ var('history_gap_days') }}
                then 'recorded'
            else 'rebuilt'
        end as basis
    from stored
    inner join observed_days on stored.day = observed_days.observed_on
),

earners as (
    select distinct account_id from {{ ref('int_account_mrr') }}
),

moved as (
    {#- Where the billing records of an account that has no revenue of its own any more are today. -#}
    select observed.account_id, observed.observed_on, min(links.account_id) as account_id_today
    from observed
    inner join {{ ref('int_link_ranges') }} as ranges
        on
            observed.account_id = ranges.account_id
            and ranges.kind = 'billing'
            and (ranges.valid_from is null or {{ local_date('ranges.valid_from') }} <= observed.observed_on)
    inner join {{ ref('int_account_links') }} as links
        on ranges.source = links.source and ranges.source_id = links.source_id
    left join earners on observed.account_id = earners.account_id
    where
        links.account_id <> observed.account_id
        and earners.account_id is null
    group by observed.account_id, observed.observed_on
)

select observed.*, coalesce(moved.account_id_today, observed.account_id) as account_id_today
from observed
left join moved on observed.account_id = moved.account_id and observed.observed_on = moved.observed_on
