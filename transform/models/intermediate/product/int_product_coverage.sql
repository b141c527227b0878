{#-
    The last day of which each product source tells. One that nobody at all used for longer than the
    quiet days is taken for silent tracking rather than for customers who left.
-#}
with freshness as (
    select
        source,
        {{ local_date('newest_record_at') }} as newest_on,
        {{ local_date('pulled_at') }} as pulled_on
    from {{ ref('int_freshness') }}
    where kind = 'product'
)

select
    source,
    case
        when pulled_on is null or pulled_on <= newest_on then newest_on
        when pulled_on < {{ dbt.dateadd('day', var('product_quiet_days'), 'newest_on') }} then pulled_on
        else cast({{ dbt.dateadd('day', var('product_quiet_days'), 'newest_on') }} as date)
    end as known_through
from freshness
