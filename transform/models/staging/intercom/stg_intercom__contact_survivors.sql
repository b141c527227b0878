{#-
    What every contact is today: itself, or the one that it was merged into, through every merge
    after it. Each pass doubles the distance, so three follow a chain of eight. Its company is known
    when there is exactly one: the vendor does not say which of several is meant.
-#}
{%- set passes = 3 -%}
with contacts as (
    select * from {{ source('raw_intercom', 'contacts') }}
),

companies as (
    select id from {{ source('raw_intercom', 'companies') }}
    where deleted is not true
),

only_company as (
    select
        links.contact_id,
        min(links.company_id) as company_id
    from {{ source('raw_intercom', 'contact_companies') }} as links
    inner join companies on links.company_id = companies.id
    where links.removed is not true
    group by links.contact_id
    having count(*) = 1
),

pass_0 as (
    select
        id,
        merged_into as survivor_id
    from contacts
    where gone = 'merged' and merged_into <> id
),

{% for i in range(passes) -%}
pass_{{ i + 1 }} as (
    select
        step.id,
        coalesce(beyond.survivor_id, step.survivor_id) as survivor_id
    from pass_{{ i }} as step
    left join pass_{{ i }} as beyond on step.survivor_id = beyond.id
),

{% endfor -%}

survivors as (
    select
        contacts.id,
        coalesce(ends.survivor_id, contacts.id) as survivor_id
    from contacts
    left join pass_{{ passes }} as ends on contacts.id = ends.id
)

select
    survivors.id,
    survivors.survivor_id,
    lower(coalesce({{ clean('today.email') }}, {{ clean('contacts.email') }})) as email,
    only_company.company_id as account_source_id
from survivors
inner join contacts on survivors.id = contacts.id
left join contacts as today on survivors.survivor_id = today.id
left join only_company on survivors.survivor_id = only_company.contact_id
