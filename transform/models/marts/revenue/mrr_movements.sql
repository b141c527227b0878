with months as (
    select * from {{ ref('mrr_monthly') }}
),

movements as (
    {%- set plain = 'cast(null as ' ~ dbt.type_string() ~ ')' %}
    {%- set rows = [
        ('new', plain, 'new_mrr', 'new_mrr_reporting'),
        ('reactivation', plain, 'reactivation_mrr', 'reactivation_mrr_reporting'),
        (
            'expansion', "'upsell'", 'expansion_mrr - cross_sell_mrr',
            'expansion_mrr_reporting - cross_sell_mrr_reporting',
        ),
        ('expansion', "'cross_sell'", 'cross_sell_mrr', 'cross_sell_mrr_reporting'),
        ('contraction', plain, 'contraction_mrr', 'contraction_mrr_reporting'),
        ('churn', "case when is_involuntary then 'involuntary' else 'voluntary' end", 'churn_mrr', 'churn_mrr_reporting'),
        ('transfer', plain, 'transfer_mrr', 'transfer_mrr_reporting'),
        ('restatement', plain, 'restatement_mrr', 'restatement_mrr_reporting'),
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
        {{ amount_reporting }} as amount_reporting,
        frozen_at
    from months
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
    frozen_at,
    {{ as_of() }} as as_of
from movements
where amount <> 0 or amount_reporting <> 0
