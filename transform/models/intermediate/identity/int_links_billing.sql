{#- A paying party that belongs to no CRM company is an account when it ever bought something. -#}
with subscriptions as (
    {{ union_entity('subscriptions') }}
),

invoices as (
    {{ union_entity('invoices') }}
),

carriers as (
    select source, account_source_id as source_id from subscriptions
    where status not in ('incomplete', 'incomplete_expired') and created_at <= {{ as_of() }}
    union
    select source, account_source_id as source_id from invoices
    where total > 0 and status <> 'draft' and issued_at <= {{ as_of() }}
),

links as (
    {{ match_accounts("kind = 'billing'", ['int_links_crm', 'int_links_second_crm'], 'carriers') }}
)

select * from links
