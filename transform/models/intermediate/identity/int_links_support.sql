{#- A company in a support desk that belongs to nobody known is an account when it ever asked for help. -#}
with tickets as (
    {{ union_entity('tickets') }}
),

carriers as (
    select distinct source, account_source_id as source_id from tickets
    where account_source_id is not null and created_at <= {{ as_of() }}
),

links as (
    {{ match_accounts(
        "kind = 'support'",
        ['int_links_crm', 'int_links_second_crm', 'int_links_billing', 'int_links_product'],
        'carriers'
    ) }}
)

select * from links
