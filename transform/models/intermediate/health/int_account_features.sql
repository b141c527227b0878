{#- Features that an account pays for, and whether it uses them: in several of the last four weeks. -#}
with items as (
    select account_id, product_features
    from {{ ref('int_item_mrr') }}
    where
        measured_on = {{ as_of_day() }}
        and account_id is not null
        and product_features is not null
        and (not_counted_because is null or not_counted_because = 'metered')
),

listed as (
    {{ split_to_rows('items', ['account_id'], 'product_features', ',') }}
),

entitled as (
    select distinct account_id, lower(part) as feature from listed
),

horizon as (
    select day from {{ ref('int_product_horizon') }}
),

days as (
    select
        activity.account_id,
        lower(activity.feature) as feature,
        {{ dbt.datediff(
            'activity.day', 'horizon.day', 'day'
        ) }} as days_ago
    from {{ ref('int_account_activity_daily') }} as activity
    cross join horizon
    where activity.is_core and activity.feature is not null
),

weeks as (
    select
        account_id,
        feature,
        count(distinct floor(days_ago / 7)) as weeks_used
    from days
    where days_ago between 0 and 27
    group by account_id, feature
)

select
    entitled.account_id,
    entitled.feature,
    coalesce(weeks.weeks_used, 0) as weeks_used,
    coalesce(weeks.weeks_used, 0) >= {{ var('feature_adoption_weeks') }} as is_adopted
from entitled
left join weeks
    on entitled.account_id = weeks.account_id and entitled.feature = weeks.feature
