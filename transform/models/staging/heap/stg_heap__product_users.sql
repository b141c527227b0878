{#- Of several ids of the vendor's with one name, the newest that has an account says more. -#}
with ranked as (
    select
        *,
        row_number() over (
            partition by user_key order by account_key is null asc, updated_at desc, user_id asc
        ) as place
    from {{ ref('stg_heap__identities') }}
)

select
    'heap' as source,
    user_key,
    max(case when place = 1 then account_key end) as account_key,
    coalesce(max(case when place = 1 then email end), max(email)) as email,
    min(created_at) as created_at,
    cast(null as {{ dbt.type_timestamp() }}) as last_seen_at
from ranked
group by user_key
