{#- Who was active in the sense of seed event_catalog on which day: the base of everything by user. -#}
select
    account_id,
    source,
    user_key,
    day,
    sum(events) as core_events
from {{ ref('int_account_activity_daily') }}
where is_core and user_key is not null
group by 1, 2, 3, 4
