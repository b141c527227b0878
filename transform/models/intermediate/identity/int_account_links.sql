{%- for kind in ['crm', 'second_crm', 'billing', 'product', 'support'] %}
select * from {{ ref('int_links_' ~ kind) }}
{{ 'union all' if not loop.last }}
{%- endfor %}
