{#-
    Whose device it is: the only user who ever signed in on it. On a shared device nobody is guessed.
-#}
select
    source,
    device_key,
    min(user_key) as user_key
from {{ ref('int_product_event_daily') }}
where device_key is not null and user_key is not null and first_at <= {{ as_of() }}
group by source, device_key
having count(distinct user_key) = 1
