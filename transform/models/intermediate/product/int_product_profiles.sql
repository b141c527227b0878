{#- What vendors know of each user: of several merged into one, the survivor's own, else another's. -#}
{{ config(materialized='view') }}

with profiles as (
    {{ union_entity('product_users') }}
)

{% if entity_sources('product_user_aliases') -%}
, named as (
    select
        profiles.source,
        coalesce(aliases.user_key, profiles.user_key) as user_key,
        aliases.user_key is null as is_survivor,
        profiles.account_key,
        profiles.email,
        profiles.created_at,
        profiles.last_seen_at
    from profiles
    left join {{ ref('int_product_user_aliases') }} as aliases
        on profiles.source = aliases.source and profiles.user_key = aliases.merged_user_key
)

select
    source,
    user_key,
    coalesce(max(case when is_survivor then account_key end), max(account_key)) as account_key,
    coalesce(max(case when is_survivor then email end), max(email)) as email,
    min(created_at) as created_at,
    max(last_seen_at) as last_seen_at
from named
group by source, user_key
{%- else -%}
select
    source,
    user_key,
    account_key,
    email,
    created_at,
    last_seen_at
from profiles
{%- endif %}
