{%- set columns -%}
    {{ account_month_columns() | join(',\n    ') }},
    {{ account_month_amounts() | join(',\n    ') }},
    '{{ var("reporting_currency") }}' as reporting_currency,
    {%- for name in account_month_amounts() %}
    {{ name }}_reporting,
    {%- endfor %}
    arr_reporting,
    carr_reporting,
    items_counted
{%- endset -%}
with open_months as (
    select * from (
        {{ open_account_months(ref('int_closed_account_mrr')) }}
    ) as months
)

select
    {{ columns }},
    cast(null as {{ dbt.type_timestamp() }}) as frozen_at,
    {{ as_of() }} as as_of
from open_months
union all
select
    {{ columns }},
    frozen_at,
    {{ as_of() }} as as_of
from {{ ref('int_closed_account_mrr') }}
where frozen_at <= {{ as_of() }}
