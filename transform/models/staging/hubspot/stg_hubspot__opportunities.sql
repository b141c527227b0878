with deals as (
    select * from {{ source('raw_hubspot', 'deals') }}
),

stages as (
    select * from {{ source('raw_hubspot', 'pipeline_stages') }}
),

companies_of_deal as (
    select
        to_id as deal_id,
        from_id as company_id,
        row_number() over (
            partition by to_id
            order by case when lower(label) = 'primary' then 0 else 1 end, length(from_id), from_id
        ) as choice
    from {{ source('raw_hubspot', 'assoc_company_deal') }}
)

select
    'hubspot' as source,
    deals.id as source_id,
    companies_of_deal.company_id as account_source_id,
    {{ clean('deals.properties__dealname') }} as name,
    {{ try_cast('deals.properties__amount', 'money') }} as amount,
    upper({{ clean('deals.properties__deal_currency_code') }}) as currency,
    coalesce(stages.label, {{ clean('deals.properties__dealstage') }}) as stage,
    {#- The deal's own flags, not the stage's label, which people rename. -#}
    coalesce({{ text_to_boolean('deals.properties__hs_is_closed') }}, stages.is_closed, false) as is_closed,
    coalesce(
        {{ text_to_boolean('deals.properties__hs_is_closed_won') }},
        stages.is_closed and stages.probability = 1,
        false
    ) as is_won,
    case lower({{ clean('deals.properties__dealtype') }})
        when 'newbusiness' then 'new_business'
        when 'existingbusiness' then 'existing_business'
        else lower({{ clean('deals.properties__dealtype') }})
    end as type,
    cast({{ iso_to_utc('deals.properties__closedate') }} as date) as closed_on,
    coalesce(
        {{ iso_to_utc('deals.properties__createdate') }}, {{ utc('deals.created_at') }}
    ) as created_at,
    coalesce(
        {{ iso_to_utc('deals.properties__hs_lastmodifieddate') }}, {{ utc('deals.updated_at') }}
    ) as updated_at,
    {{ clean('deals.properties__hubspot_owner_id') }} as owner_source_id,
    coalesce(deals.archived, false) as is_deleted
from deals
left join stages
    on
        deals.properties__pipeline = stages.pipeline_id
        and deals.properties__dealstage = stages.id
left join companies_of_deal
    on deals.id = companies_of_deal.deal_id and companies_of_deal.choice = 1
