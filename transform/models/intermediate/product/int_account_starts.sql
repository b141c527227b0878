{#-
    From when an account could have got value: its first paid day, without a billing source its first
    sign of life in the product. Whose start lies before the first event was not watched from the
    beginning: when it got value for the first time nobody knows.
-#}
{%- set billing_known = entity_sources('subscriptions') | length > 0 -%}
{#- Named outside the condition, so that a project parsed for other sources knows of both. -#}
{%- set contracts, users = ref('int_account_contracts'), ref('int_product_users') -%}
with begun as (
    select min(day) as first_day from {{ ref('int_account_activity_daily') }}
),

told as (
    select begun.first_day, horizon.day as last_day
    from begun
    cross join {{ ref('int_product_horizon') }} as horizon
),

accounts as (
    select account_id, has_product from {{ ref('int_account_master') }}
),

starts as (
    {%- if billing_known %}
    select account_id, first_paid_on as started_on from {{ contracts }}
    where first_paid_on <= {{ as_of_day() }}
    {%- else %}
    select account_id, min(day) as started_on
    from (
        select account_id, day from {{ ref('int_account_activity_daily') }}
        union all
        select account_id, {{ local_date('created_at') }} as day from {{ users }}
        where account_id is not null and not is_excluded
    ) as signs
    group by account_id
    {%- endif %}
)

select
    starts.account_id,
    starts.started_on,
    told.last_day as watched_to,
    case
        when not accounts.has_product then 'unmapped'
        when told.first_day is null or starts.started_on > told.last_day then 'not_told'
        when starts.started_on < told.first_day then 'before_the_data'
    end as not_watched_because
from starts
inner join accounts on starts.account_id = accounts.account_id
cross join told
