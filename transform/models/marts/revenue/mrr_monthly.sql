select
    account_id,
    month_on,
    measured_on,
    is_closed,
    origin,
    currency,
    is_multi_currency,
    movement,
    is_involuntary,
    opening_mrr,
    {%- for name in mrr_movements() + ['fx'] %}
    {{ name }}_mrr,
    {%- endfor %}
    mrr,
    usage_mrr,
    '{{ var("reporting_currency") }}' as reporting_currency,
    opening_mrr_reporting,
    {%- for name in mrr_movements() + ['fx'] %}
    {{ name }}_mrr_reporting,
    {%- endfor %}
    mrr_reporting,
    usage_mrr_reporting,
    arr_reporting,
    items_counted,
    {{ as_of() }} as as_of
from {{ ref('int_account_mrr') }}
