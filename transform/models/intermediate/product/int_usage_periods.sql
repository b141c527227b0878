{#-
    How many of those who were active for the first time in a day, week or month were active again so
    many periods later, and how many were seen for the last time then. Users and accounts are numbered
    first: a year of days of many users is then counted in numbers instead of names.
-#}
with days as (
    select user_days.*
    from {{ ref('int_account_user_days') }} as user_days
    inner join {{ ref('int_product_horizon') }} as horizon on user_days.day <= horizon.day
),

users as (
    select
        source,
        user_key,
        row_number() over (order by source, user_key) as who,
        min(day) as first_day,
        max(day) as last_day
    from days
    group by 1, 2
),

accounts as (
    select
        account_id,
        row_number() over (order by account_id) as who,
        min(day) as first_day,
        max(day) as last_day
    from days
    group by 1
),

everybody as (
    select 'user' as unit, who, first_day, last_day from users
    union all
    select 'account' as unit, who, first_day, last_day from accounts
),

seen as (
    select distinct 'user' as unit, users.who, users.first_day, days.day
    from days
    inner join users on days.source = users.source and days.user_key = users.user_key
    union all
    select distinct 'account' as unit, accounts.who, accounts.first_day, days.day
    from days
    inner join accounts on days.account_id = accounts.account_id
),

{% for period in retention_periods() -%}
{{ period }}s_seen as (
    select distinct
        unit,
        who,
        cast({{ dbt.date_trunc(period, 'first_day') }} as date) as cohort_on,
        cast({{ dbt.date_trunc(period, 'day') }} as date) as period_start
    from seen
),

{{ period }}s_last as (
    select
        unit,
        cast({{ dbt.date_trunc(period, 'first_day') }} as date) as cohort_on,
        cast({{ dbt.date_trunc(period, 'last_day') }} as date) as period_start,
        count(*) as seen_last
    from everybody
    group by 1, 2, 3
),

{{ period }}s_counted as (
    select unit, cohort_on, period_start, count(*) as returned
    from {{ period }}s_seen
    group by 1, 2, 3
),

{% endfor -%}
counted as (
    {%- for period, oldest in retention_periods().items() %}
    select
        came.unit,
        '{{ period }}' as period,
        came.cohort_on,
        {{ dbt.datediff(
            'came.cohort_on', 'came.period_start', period
        ) }} as age,
        came.returned,
        coalesce(gone.seen_last, 0) as seen_last
    from {{ period }}s_counted as came
    left join {{ period }}s_last as gone
        on
            came.unit = gone.unit
            and came.cohort_on = gone.cohort_on
            and came.period_start = gone.period_start
    where came.period_start <= {{ dbt.dateadd(period, oldest, 'came.cohort_on') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    unit,
    period,
    cohort_on,
    age,
    returned,
    seen_last
from counted
