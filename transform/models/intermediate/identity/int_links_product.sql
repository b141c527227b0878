{#- A product account that belongs to nobody known is an account when it was ever used. -#}
with carriers as (
    select distinct source, account_key as source_id from {{ ref('int_product_user_daily') }}
    where account_key is not null and first_at <= {{ as_of() }}
),

{{ match_accounts('product', ['int_links_crm', 'int_links_billing'], 'carriers') }}
