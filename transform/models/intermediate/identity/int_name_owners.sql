{#- Companies that a record with nothing but a name could be. -#}
select
    source,
    source_id,
    name,
    country,
    match_domain,
    case when is_anchor then 1 when kind = 'crm' then 2 else 3 end as place
from {{ ref('int_account_records') }}
where
    kind in ('crm', 'billing')
    and name is not null
    and not is_deleted
    and source_id = survivor_source_id
