with users as (
    select
        *,
        {{ clean('name') }} as whole_name
    from {{ source('raw_zendesk', 'users') }}
    where role is null or role = 'end-user'
)

select
    'zendesk' as source,
    id as source_id,
    lower({{ clean('email') }}) as email,
    {{ normalise_domain(dbt.split_part('email', "'@'", 2)) }} as email_domain,
    {#- The vendor has one name: what stands before the first space is the first one. -#}
    {{ clean(dbt.split_part('whole_name', "' '", 1)) }} as first_name,
    case
        when whole_name like '% %'
            then {{ clean("substring(whole_name from position(' ' in whole_name))") }}
    end as last_name,
    {{ clean(json_text('user_fields', 'job_title')) }} as title,
    organization_id as account_source_id,
    {{ utc('created_at') }} as created_at,
    {{ utc('updated_at') }} as updated_at,
    active is false as is_deleted
from users
