{%- for kind in ['crm', 'billing', 'product'] %}
select * from {{ ref('int_links_' ~ kind) }}
{{ 'union all' if not loop.last }}
{%- endfor %}
