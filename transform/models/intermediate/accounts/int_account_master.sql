{#-
    Each attribute comes from the best record that has it: the kind of source that seed
    attribute_sources ranks first, then living before deleted, the anchor before its merged copies,
    older before younger. Beside it stands where it came from, and out of how many that say something.
    A domain that names no company is no domain of an account; nobody is their own parent.
-#}
{%- set described_by = [
    'name', 'domain', 'industry', 'employee_count', 'country', 'owner_source_id', 'parent_account_id'
] -%}
with accounts as (
    select * from {{ ref('int_accounts') }}
    where account_id is not null
),

hosts as (
    select * from {{ ref('int_hosts') }}
),

links as (
    select source, source_id, account_id from {{ ref('int_account_links') }}
),

preferences as (
    select
        kind,
        {%- for attribute in described_by %}
        max(case when attribute = '{{ attribute }}' then rank end) as {{ attribute }}_preference,
        {%- endfor %}
        count(*) as attributes
    from {{ ref('attribute_sources') }}
    group by kind
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
        accounts.created_at,
        accounts.is_deleted,
        case when parents.account_id <> accounts.account_id then parents.account_id end as parent_account_id,
        case when not hosts.names_nobody then hosts.domain end as domain,
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
    left join hosts on {{ normalise_domain('accounts.domain') }} = hosts.host
    left join links as parents
        on accounts.source = parents.source and accounts.parent_source_id = parents.source_id
),

ranked as (
    select
        {%- for known in described_by %}
        row_number() over (
            partition by records.account_id
            order by
                case when records.{{ known }} is null then 2 else 1 end,
                coalesce(preferences.{{ known }}_preference, 99),
                records.precedence
        ) as {{ known }}_rank,
        count(records.{{ known }}) over (partition by records.account_id) as {{ known }}_known,
        {%- endfor %}
        records.*
    from records
    left join preferences on records.kind = preferences.kind
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
    max(case when parent_account_id_rank = 1 then parent_account_id end) as parent_account_id,
    {%- for known in described_by %}
    max(case when {{ known }}_rank = 1 and {{ known }} is not null then source || ':' || source_id end)
        as {{ known }}_record,
    max({{ known }}_known) as {{ known }}_records,
    {%- endfor %}
    max(case when precedence = 1 then source end) as anchor_source,
    max(case when precedence = 1 then source_id end) as anchor_source_id,
    max(case when precedence = 1 then kind end) as anchor_kind,
    count(*) as records,
    count(case when kind = 'crm' then 1 end) > 0 as has_crm,
    count(case when kind = 'billing' then 1 end) > 0 as has_billing,
    count(case when kind = 'product' then 1 end) > 0 as has_product,
    count(case when kind = 'support' then 1 end) > 0 as has_support,
    min(created_at) as created_at,
    count(case when not is_deleted then 1 end) = 0 as is_deleted
from ranked
group by account_id
