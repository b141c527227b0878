{%- set columns = account_month_columns() + account_month_amounts() -%}
{%- do columns.append("'" ~ var('reporting_currency') ~ "' as reporting_currency") -%}
{%- for name in account_month_amounts() -%}
{%- do columns.append(name ~ '_reporting') -%}
{%- endfor -%}
{%- set columns = columns + ['arr_reporting', 'carr_reporting', 'items_counted'] -%}
with open_months as (
    select * from (
        {{ open_account_months(ref('int_closed_account_mrr')) }}
    ) as months
)

select
    {{ columns | join(',\n    ') }},
    cast(null as {{ dbt.type_timestamp() }}) as frozen_at,
    {{ as_of() }} as as_of
from open_months
union all
select
    {{ columns | join(',\n    ') }},
    frozen_at,
    {{ as_of() }} as as_of
from {{ ref('int_closed_account_mrr') }}
where frozen_at <= {{ as_of() }}
