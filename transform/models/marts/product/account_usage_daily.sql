{%- set measures = [
    'connections', 'events', 'core_events', 'dau', 'wau', 'mau', 'issued_users', 'features_used_28d',
    'integrations_connected',
] -%}
with activity as (
    select * from {{ ref('int_account_activity_daily') }}
),

users as (
    select
        account_id,
        {{ local_date('created_at') }} as issued_on
    from {{ ref('int_product_users') }}
    where account_id is not null and not is_excluded
),

covered as (
    select * from {{ ref('int_product_coverage') }}
),

accounts as (
    select
        links.account_id,
        min(covered.known_through) as known_through,
        count(*) = count(covered.known_through) as is_covered,
        min({{ local_date('links.linked_from') }}) as linked_on
    from {{ ref('int_account_links') }} as links
    left join covered on links.source = covered.source
    where links.kind = 'product' and links.account_id is not null
    group by links.account_id
),

begun as (
    select account_id, min(day) as first_day
    from (
        select account_id, day from activity
        union all
        select account_id, issued_on as day from users
        union all
        select account_id, linked_on as day from accounts
    ) as days_seen
    group by account_id
),

days as (
    select day from {{ ref('int_days') }}
),

spine as (
    select
        accounts.account_id,
        days.day,
        coalesce(accounts.is_covered and days.day <= accounts.known_through, false) as is_known
    from accounts
    inner join begun on accounts.account_id = begun.account_id
    inner join days on begun.first_day <= days.day
),

per_day as (
    select
        account_id,
        day,
        sum(case when is_connection then events else 0 end) as connections,
        sum(events) as events,
        sum(case when is_core then events else 0 end) as core_events,
        count(distinct case when is_core then user_key end) as dau
    from activity
    group by account_id, day
),

user_days as (
    select distinct account_id, user_key, day from {{ ref('int_account_user_days') }}
),

feature_days as (
    select distinct account_id, feature, day from activity
    where is_core and feature is not null
),

wau_changes as (
    {{ window_changes('user_days', 'user_key', 7) }}
),

mau_changes as (
    {{ window_changes('user_days', 'user_key', 28) }}
),

feature_changes as (
    {{ window_changes('feature_days', 'feature', 28) }}
),

integrations as (
    select account_id, connected_on, count(*) as connected
    from (
        select account_id, integration, min(day) as connected_on from activity
        where integration is not null
        group by account_id, integration
    ) as first_days
    group by account_id, connected_on
),

issued as (
    select account_id, issued_on, count(*) as issued from users
    group by account_id, issued_on
),

counted as (
    select
        spine.account_id,
        spine.day,
        spine.is_known,
        coalesce(per_day.connections, 0) as connections,
        coalesce(per_day.events, 0) as events,
        coalesce(per_day.core_events, 0) as core_events,
        coalesce(per_day.dau, 0) as dau,
        coalesce(sum(wau_changes.change) over so_far, 0) as wau,
        coalesce(sum(mau_changes.change) over so_far, 0) as mau,
        coalesce(sum(feature_changes.change) over so_far, 0) as features_used_28d,
        coalesce(sum(integrations.connected) over so_far, 0) as integrations_connected,
        coalesce(sum(issued.issued) over so_far, 0) as issued_users,
        max(case when per_day.core_events > 0 then spine.day end) over so_far as last_core_on,
        sum(coalesce(per_day.dau, 0)) over last_28 as user_days_28d,
        count(case when spine.is_known then 1 end) over last_28 as known_days_28d
    from spine
    left join per_day on spine.account_id = per_day.account_id and spine.day = per_day.day
    left join wau_changes
        on spine.account_id = wau_changes.account_id and spine.day = wau_changes.change_on
    left join mau_changes
        on spine.account_id = mau_changes.account_id and spine.day = mau_changes.change_on
    left join feature_changes
        on spine.account_id = feature_changes.account_id and spine.day = feature_changes.change_on
    left join integrations
        on spine.account_id = integrations.account_id and spine.day = integrations.connected_on
    left join issued on spine.account_id = issued.account_id and spine.day = issued.issued_on
    window
        so_far as (partition by spine.account_id order by spine.day),
        last_28 as (partition by spine.account_id order by spine.day rows between 27 preceding and current row)
)

select
    account_id,
    day,
    is_known,
    {%- for measure in measures %}
    cast(case when is_known then {{ measure }} end as {{ dbt.type_bigint() }}) as {{ measure }},
    {%- endfor %}
    cast(
        case when is_known and known_days_28d = 28 then user_days_28d / 28.0 / nullif(mau, 0) end
        as {{ sql_type('ratio') }}
    ) as stickiness,
    cast(case when is_known then 1.0 * wau / nullif(mau, 0) end as {{ sql_type('ratio') }}) as weekly_stickiness,
    case
        when is_known
            then {{ dbt.cast(dbt.datediff('last_core_on', 'day', 'day'), dbt.type_bigint()) }}
    end as days_since_core_event
from counted
