{#-
    What raw holds of each UTC day. Every load rewrites whole days, so a day whose version did not
    change needs no work, however many events there are.
-#}
with events as (
    {{ union_entity('product_events') }}
)

select
    source,
    cast(occurred_at as date) as utc_date,
    {{ dbt.cast('max(loaded_at)', dbt.type_string()) }} || '/' || {{ dbt.cast('count(*)', dbt.type_string()) }}
        as version
from events
where occurred_at is not null
group by 1, 2
