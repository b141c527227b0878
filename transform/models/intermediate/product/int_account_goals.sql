{#-
    When an account that was watched from its start reached which goal: the day on which the last of
    its events had come often enough from enough users. Events before the start count.
-#}
with starts as (
    select * from {{ ref('int_account_starts') }}
),

steps as (
    select
        starts.account_id,
        starts.started_on,
        starts.watched_to,
        starts.not_watched_because,
        steps.version,
        steps.goal,
        steps.event_name,
        steps.min_events,
        steps.min_users,
        steps.within_days
    from starts
    inner join {{ ref('activation_steps') }} as steps
        on
            starts.started_on >= steps.effective_from
            and (steps.effective_to is null or starts.started_on < steps.effective_to)
),

wanted as (
    select distinct event_name from {{ ref('activation_steps') }}
),

used as (
    select
        activity.account_id,
        activity.event_name,
        activity.source,
        activity.user_key,
        activity.day,
        activity.events
    from {{ ref('int_account_activity_daily') }} as activity
    inner join wanted on activity.event_name = wanted.event_name
),

counted as (
    select
        account_id,
        event_name,
        day,
        sum(sum(events)) over (
            partition by account_id, event_name order by day rows between unbounded preceding and current row
        ) as events_so_far
    from used
    group by account_id, event_name, day
),

first_days as (
    select account_id, event_name, source, user_key, min(day) as day
    from used
    where user_key is not null
    group by account_id, event_name, source, user_key
),

joined_in as (
    select
        account_id,
        event_name,
        day,
        row_number() over (partition by account_id, event_name order by day) as users_so_far
    from first_days
),

often_enough as (
    select steps.account_id, steps.goal, steps.event_name, min(counted.day) as day
    from steps
    inner join counted
        on
            steps.account_id = counted.account_id
            and steps.event_name = counted.event_name
            and steps.min_events <= counted.events_so_far
            and steps.watched_to >= counted.day
    group by steps.account_id, steps.goal, steps.event_name
),

by_enough as (
    select steps.account_id, steps.goal, steps.event_name, min(joined_in.day) as day
    from steps
    inner join joined_in
        on
            steps.account_id = joined_in.account_id
            and steps.event_name = joined_in.event_name
            and steps.min_users <= joined_in.users_so_far
            and steps.watched_to >= joined_in.day
    group by steps.account_id, steps.goal, steps.event_name
),

reached as (
    select
        steps.account_id,
        steps.goal,
        count(*) as steps,
        count(case when often_enough.day is not null and by_enough.day is not null then 1 end) as steps_done,
        max(case when often_enough.day > by_enough.day then often_enough.day else by_enough.day end) as last_on
    from steps
    left join often_enough
        on
            steps.account_id = often_enough.account_id
            and steps.goal = often_enough.goal
            and steps.event_name = often_enough.event_name
    left join by_enough
        on
            steps.account_id = by_enough.account_id
            and steps.goal = by_enough.goal
            and steps.event_name = by_enough.event_name
    group by steps.account_id, steps.goal
),

goals as (
    select
        account_id,
        started_on,
        watched_to,
        not_watched_because,
        version,
        goal,
        max(within_days) as within_days
    from steps
    group by account_id, started_on, watched_to, not_watched_because, version, goal
),

joined as (
    select
        goals.*,
        reached.steps,
        reached.steps_done,
        case when reached.steps = reached.steps_done and goals.not_watched_because is null then reached.last_on end
            as reached_on
    from goals
    inner join reached on goals.account_id = reached.account_id and goals.goal = reached.goal
)

select
    account_id,
    goal,
    version,
    started_on,
    watched_to,
    not_watched_because,
    within_days,
    steps,
    case when not_watched_because is null then steps_done end as steps_done,
    reached_on,
    reached_on < started_on as is_before_start,
    {#- Value got before the start is got on the first day; else days go on until somebody looks away. -#}
    case
        when not_watched_because is not null then null
        when reached_on <= started_on then 0
        when reached_on is not null then {{ dbt.datediff('started_on', 'reached_on', 'day') }}
        else {{ dbt.datediff('started_on', 'watched_to', 'day') }}
    end as days_watched,
    case
        when not_watched_because is not null then null
        when reached_on is not null
            then reached_on <= {{ dbt.dateadd('day', 'within_days', 'started_on') }}
        when watched_to >= {{ dbt.dateadd('day', 'within_days', 'started_on') }} then false
    end as is_reached_in_time
from joined
