{#- A product account that belongs to nobody known is an account when it was ever used. -#}
with used as (
    select distinct source, account_key, user_key from {{ ref('int_product_user_daily') }}
),

users as (
    select * from {{ ref('int_product_profiles') }}
),

carriers as (
    select distinct
        used.source,
        coalesce(used.account_key, users.account_key) as source_id
    from used
    left join users on used.source = users.source and used.user_key = users.user_key
),

links as (
    {{ match_accounts("kind = 'product'", ['int_links_crm', 'int_links_second_crm', 'int_links_billing'], 'carriers') }}
)

select * from links
