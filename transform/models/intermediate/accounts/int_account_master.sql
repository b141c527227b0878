{#-
    Each attribute comes from the first record that has it: CRM before billing before product,
    living before deleted, the anchor before its merged copies, older before younger.
-#}
with records as (
    select
        accounts.*,
        row_number() over (
            partition by accounts.account_id
            order by
                case accounts.kind when 'crm' then 1 when 'billing' then 2 else 3 end,
                case when accounts.is_deleted then 2 else 1 end,
                case when accounts.account_id = accounts.source || ':' || accounts.source_id then 1 else 2 end,
                accounts.created_at,
                accounts.source,
                accounts.source_id
        ) as precedence
    from {{ ref('int_accounts') }} as accounts
    where accounts.account_id is not null
),

free_mail as (
    select domain from {{ ref('free_mail_domains') }}
),

{% set attributes = ['name', 'domain', 'industry', 'employee_count', 'country', 'owner_source_id', 'parent_source_id'] %}

ranked as (
    select
        records.*,
        {%- for attribute in attributes %}
        row_number() over (
            partition by account_id
            order by
                case
                    {%- if attribute == 'domain' %}
                    when {{ normalise_domain('domain') }} in (select free_mail.domain from free_mail) then 2
                    {%- endif %}
                    when {{ attribute }} is null then 2
                    else 1
                end,
                precedence
        ) as {{ attribute }}_rank{{ ',' if not loop.last }}
        {%- endfor %}
    from records
)

select
    account_id,
    {%- for attribute in attributes if attribute not in ['name', 'domain', 'owner_source_id', 'parent_source_id'] %}
    max(case when {{ attribute }}_rank = 1 then {{ attribute }} end) as {{ attribute }},
    {%- endfor %}
    coalesce(
        max(case when name_rank = 1 then name end),
        max(case when precedence = 1 then source_id end)
    ) as name,
    max(
        case
            when domain_rank = 1 and {{ normalise_domain('domain') }} not in (select free_mail.domain from free_mail)
                then {{ normalise_domain('domain') }}
        end
    ) as domain,
    max(case when owner_source_id_rank = 1 and owner_source_id is not null then source end) as owner_source,
    max(case when owner_source_id_rank = 1 then owner_source_id end) as owner_source_id,
    max(case when parent_source_id_rank = 1 and parent_source_id is not null then source || ':' || parent_source_id end)
        as parent_account_id,
    max(case when precedence = 1 then source end) as anchor_source,
    max(case when precedence = 1 then source_id end) as anchor_source_id,
    max(case when precedence = 1 then kind end) as anchor_kind,
    count(case when kind = 'crm' then 1 end) > 0 as has_crm,
    count(case when kind = 'billing' then 1 end) > 0 as has_billing,
    count(case when kind = 'product' then 1 end) > 0 as has_product,
    min(created_at) as created_at,
    count(case when not is_deleted then 1 end) = 0 as is_deleted
from ranked
group by account_id
