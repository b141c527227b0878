{#- In which days, weeks and months each user and each account was active, from its first one on. -#}
{%- set who = {'user': "source || ':' || user_key", 'account': 'account_id'} -%}
with days as (
    select user_days.*
    from {{ ref('int_account_user_days') }} as user_days
    inner join {{ ref('int_product_horizon') }} as horizon on user_days.day <= horizon.day
),

{% for unit, key in who.items() -%}
{%- for period in retention_periods() -%}
{{ unit }}_{{ period }}s as (
    select distinct
        '{{ unit }}' as unit,
        '{{ period }}' as period,
        {{ key }} as who,
        cast({{ dbt.date_trunc(period, 'day') }} as date) as period_start
    from days
),

{% endfor -%}
{%- endfor -%}
followed as (
    {%- for unit in who %}
    {%- set last_unit = loop.last %}
    {%- for period in retention_periods() %}
    select
        unit,
        period,
        who,
        cohort_on,
        {{ dbt.datediff(
            'cohort_on', 'period_start', period
        ) }} as age
    from (
        select
            *,
            min(period_start) over (partition by who) as cohort_on
        from {{ unit }}_{{ period }}s
    ) as begun
    {{ 'union all' if not (loop.last and last_unit) }}
    {%- endfor %}
    {%- endfor %}
)

select
    unit,
    period,
    cohort_on,
    age,
    count(*) as returned,
    {#- Those whose last period this is: summed up from the end they are who came back then or later. -#}
    count(case when age = last_age then 1 end) as seen_last
from (
    select *, max(age) over (partition by unit, period, who) as last_age from followed
) as aged
group by unit, period, cohort_on, age
