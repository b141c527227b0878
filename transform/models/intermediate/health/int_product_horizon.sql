{#-
    The last day of which the product sources tell: use is measured up to it, so that a pull that
    fails, or tracking that fell silent for everybody, makes numbers old and not customers quiet.
-#}
with freshness as (
    select
        {{ local_date('newest_record_at') }} as newest_on,
        {{ local_date('pulled_at') }} as pulled_on
    from {{ ref('int_freshness') }}
    where kind = 'product'
),

covered as (
    select
        case
            when pulled_on is null or pulled_on <= newest_on then newest_on
            when pulled_on < {{ dbt.dateadd('day', var('product_quiet_days'), 'newest_on') }} then pulled_on
            else cast({{ dbt.dateadd('day', var('product_quiet_days'), 'newest_on') }} as date)
        end as known_through
    from freshness
)

select coalesce(min(known_through), {{ as_of_day() }}) as day
from covered
