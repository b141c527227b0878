{#- What was asked and by whom stays in the help desk: source and source_id lead there. -#}
select
    source,
    source_id,
    account_id,
    channel,
    type,
    status,
    priority,
    is_open,
    is_open_urgent,
    created_at,
    updated_at,
    first_reply_at,
    solved_at,
    first_reply_hours,
    resolution_hours,
    cast(reopened_count as {{ dbt.type_bigint() }}) as reopened_count
from {{ ref('int_tickets') }}
where account_id is not null and not is_deleted
