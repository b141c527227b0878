with contacts as (
    select
        *,
        {{ clean('name') }} as whole_name
    from {{ source('raw_intercom', 'contacts') }}
),

survivors as (
    select * from {{ ref('stg_intercom__contact_survivors') }}
)

select
    'intercom' as source,
    contacts.id as source_id,
    lower({{ clean('contacts.email') }}) as email,
    {{ normalise_domain(dbt.split_part('contacts.email', "'@'", 2)) }} as email_domain,
    {#- The vendor has one name: what stands before the first space is the first one. -#}
    {{ clean(dbt.split_part('contacts.whole_name', "' '", 1)) }} as first_name,
    case
        when contacts.whole_name like '% %'
            then {{ clean("substring(contacts.whole_name from position(' ' in contacts.whole_name))") }}
    end as last_name,
    cast(null as {{ dbt.type_string() }}) as title,
    survivors.account_source_id,
    {{ utc('contacts.created_at') }} as created_at,
    {{ utc('contacts.updated_at') }} as updated_at,
    contacts.gone is not null as is_deleted
from contacts
left join survivors on contacts.id = survivors.id
