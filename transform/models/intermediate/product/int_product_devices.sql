{#-
    Whose device it is: the only user who ever signed in on it. On a shared device nobody is guessed.
-#}
{%- set has_aliases = entity_sources('product_user_aliases') | length > 0 -%}
with signed_in as (
    select distinct
        source,
        device_key,
        user_key
    from {{ ref('int_product_event_daily') }}
    where device_key is not null and user_key is not null and first_at <= {{ as_of() }}
)

select
    signed_in.source,
    signed_in.device_key,
    min({{ aliased_user('signed_in.user_key', 'aliases', has_aliases) }}) as user_key
from signed_in
{{ join_aliases('aliases', 'signed_in', 'signed_in.user_key', has_aliases) }}
group by 1, 2
having count(distinct {{ aliased_user('signed_in.user_key', 'aliases', has_aliases) }}) = 1
