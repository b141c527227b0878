{#-
    Growth of a paying account is cross-sell as far as products explain it that it did not have the
    month before, and upsell for the rest.
-#}
with months as (
    select * from {{ ref('int_account_mrr') }}
),

new_products as (
    select * from {{ ref('int_new_products') }}
),

shares as (
    select
        months.*,
        case
            when new_products.mrr_reporting >= months.expansion_mrr_reporting then 1
            else coalesce(new_products.mrr_reporting / nullif(months.expansion_mrr_reporting, 0), 0)
        end as cross_sell_share
    from months
    left join new_products
        on months.account_id = new_products.account_id and months.month_on = new_products.month_on
),

split as (
    select
        *,
        {{ money('expansion_mrr * cross_sell_share') }} as cross_sell,
        {{ money('expansion_mrr_reporting * cross_sell_share') }} as cross_sell_reporting
    from shares
),

movements as (
    {%- set plain = 'cast(null as ' ~ dbt.type_string() ~ ')' %}
    {%- set rows = [
        ('new', plain, 'new_mrr', 'new_mrr_reporting'),
        ('reactivation', plain, 'reactivation_mrr', 'reactivation_mrr_reporting'),
        ('expansion', "'upsell'", 'expansion_mrr - cross_sell', 'expansion_mrr_reporting - cross_sell_reporting'),
        ('expansion', "'cross_sell'", 'cross_sell', 'cross_sell_reporting'),
        ('contraction', plain, 'contraction_mrr', 'contraction_mrr_reporting'),
        ('churn', "case when is_involuntary then 'involuntary' else 'voluntary' end", 'churn_mrr', 'churn_mrr_reporting'),
        ('fx_effect', plain, 'fx_mrr', 'fx_mrr_reporting'),
    ] %}
    {%- for movement, sub_type, amount, amount_reporting in rows %}
    select
        account_id,
        month_on,
        is_closed,
        '{{ movement }}' as movement,
        {{ sub_type }} as sub_type,
        currency,
        {{ amount }} as amount,
        {{ amount_reporting }} as amount_reporting
    from split
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    account_id,
    month_on,
    is_closed,
    movement,
    sub_type,
    currency,
    {{ money('amount') }} as amount,
    '{{ var("reporting_currency") }}' as reporting_currency,
    {{ money('amount_reporting') }} as amount_reporting,
    {{ as_of() }} as as_of
from movements
where amount <> 0 or amount_reporting <> 0
