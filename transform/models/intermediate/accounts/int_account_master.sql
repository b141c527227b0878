{#-
    Each attribute comes from the first record that has it: CRM before billing before product before
    support, living before deleted, the anchor before its merged copies, older before younger. A free-mail
    domain is no domain of an account.
-#}
{%- set described_by = [
    'name', 'domain', 'industry', 'employee_count', 'country', 'owner_source_id', 'parent_source_id'
] -%}
with free_mail as (
    select domain from {{ ref('free_mail_domains') }}
),

accounts as (
    select
        *,
        {{ normalise_domain('domain') }} as host
    from {{ ref('int_accounts') }}
    where account_id is not null
),

records as (
    select
        accounts.account_id,
        accounts.source,
        accounts.source_id,
        accounts.kind,
        accounts.name,
        accounts.industry,
        accounts.employee_count,
        accounts.country,
        accounts.owner_source_id,
        accounts.parent_source_id,
        accounts.created_at,
        accounts.is_deleted,
        case when free_mail.domain is null then accounts.host end as domain,
        row_number() over (
            partition by accounts.account_id
            order by
                case accounts.kind when 'crm' then 1 when 'billing' then 2 when 'product' then 3 else 4 end,
                case when accounts.is_deleted then 2 else 1 end,
                case when accounts.account_id = accounts.source || ':' || accounts.source_id then 1 else 2 end,
                accounts.created_at,
                accounts.source,
                accounts.source_id
        ) as precedence
    from accounts
    left join free_mail on accounts.host = free_mail.domain
),

ranked as (
    select
        {%- for known in described_by %}
        row_number() over (partition by account_id order by {{ known }} is null, precedence) as {{ known }}_rank,
        {%- endfor %}
        records.*
    from records
)

select
    account_id,
    coalesce(
        max(case when name_rank = 1 then name end),
        max(case when precedence = 1 then source_id end)
    ) as name,
    max(case when domain_rank = 1 then domain end) as domain,
    max(case when industry_rank = 1 then industry end) as industry,
    max(case when employee_count_rank = 1 then employee_count end) as employee_count,
    max(case when country_rank = 1 then country end) as country,
    max(case when owner_source_id_rank = 1 and owner_source_id is not null then source end) as owner_source,
    max(case when owner_source_id_rank = 1 then owner_source_id end) as owner_source_id,
    max(case when parent_source_id_rank = 1 then source || ':' || parent_source_id end) as parent_account_id,
    max(case when precedence = 1 then source end) as anchor_source,
    max(case when precedence = 1 then source_id end) as anchor_source_id,
    max(case when precedence = 1 then kind end) as anchor_kind,
    count(case when kind = 'crm' then 1 end) > 0 as has_crm,
    count(case when kind = 'billing' then 1 end) > 0 as has_billing,
    count(case when kind = 'product' then 1 end) > 0 as has_product,
    count(case when kind = 'support' then 1 end) > 0 as has_support,
    min(created_at) as created_at,
    count(case when not is_deleted then 1 end) = 0 as is_deleted
from ranked
group by account_id
