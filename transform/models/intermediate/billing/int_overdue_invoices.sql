{#- What was paid after as_of had not been paid then. -#}
select
    source,
    source_id,
    account_id,
    coalesce(due_at, issued_at) as due_at,
    {{ dbt.datediff(
        local_date('coalesce(due_at, issued_at)'), as_of_day(), 'day'
    ) }} as overdue_days
from {{ ref('int_invoices') }}
where
    (status in ('open', 'uncollectible') or paid_at > {{ as_of() }})
    and (amount_remaining > 0 or paid_at > {{ as_of() }})
    and {{ local_date('coalesce(due_at, issued_at)') }} < {{ as_of_day() }}
