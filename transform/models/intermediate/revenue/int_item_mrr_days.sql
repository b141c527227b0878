{%- set columns = [
    'source', 'item_source_id', 'subscription_source_id', 'account_id', 'month_on', 'measured_on', 'is_month_end',
    'origin', 'currency', 'product_source_id', 'product_name', 'is_seat_based', 'product_features', 'quantity',
    'usage_type', 'term_months', 'period_end_on', 'is_cancelling', 'not_counted_because', 'exception', 'gross_mrr', 'mrr', 'contracted_mrr',
] -%}
{%- for model in ['int_subscription_item_mrr', 'int_invoice_item_mrr'] %}
select
    {{ columns | join(',\n    ') }}
from {{ ref(model) }}
{{ 'union all' if not loop.last }}
{%- endfor %}
