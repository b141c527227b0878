{#-
    Numerator and denominator of every revenue metric, month by month. The value is their quotient,
    or the numerator where there is no denominator.
-#}
with pairs as (
    select * from {{ ref('int_retention_pairs') }}
),

account_months as (
    select * from {{ ref('int_account_mrr') }}
),

months as (
    select
        month_on,
        is_closed,
        row_number() over (order by month_on) as month_no
    from {{ ref('int_mrr_months') }}
),

retained as (
    select
        month_on,
        months as month_window,
        count(case when not has_unknown then 1 end) as population,
        count(case when has_unknown then 1 end) as excluded,
        count(case when closing_mrr = 0 then 1 end) as accounts_lost,
        sum(opening_mrr) as opening,
        sum(closing_mrr) as closing,
        sum(least(closing_mrr, opening_mrr)) as kept,
        sum(greatest(closing_mrr - opening_mrr, 0)) as grown
    from pairs
    group by month_on, months
),

moved as (
    select
        month_on,
        count(case when mrr > 0 then 1 end) as active,
        count(case when mrr > 0 and mrr_reporting is null then 1 end) as without_rate,
        count(case when carr > 0 then 1 end) as signed,
        count(case when carr > 0 and carr_reporting is null then 1 end) as signed_without_rate,
        sum(carr_reporting) as carr,
        count(case when movement = 'new' then 1 end) as began,
        sum(mrr_reporting) as mrr,
        sum(new_mrr_reporting) as new_mrr,
        sum(reactivation_mrr_reporting) as reactivated,
        sum(expansion_mrr_reporting) as expanded,
        -sum(contraction_mrr_reporting) as contracted,
        -sum(churn_mrr_reporting) as churned
    from account_months
    group by month_on
),

monthly as (
    {#- Every month has a row from the first paid one on, also one in which nothing moved. -#}
    select
        months.month_on,
        months.is_closed,
        months.month_no,
        coalesce(moved.active, 0) as active,
        coalesce(moved.without_rate, 0) as without_rate,
        moved.signed,
        moved.signed_without_rate,
        moved.carr,
        coalesce(moved.began, 0) as began,
        coalesce(moved.mrr, 0) as mrr,
        coalesce(moved.new_mrr, 0) as new_mrr,
        coalesce(moved.reactivated, 0) as reactivated,
        coalesce(moved.expanded, 0) as expanded,
        coalesce(moved.contracted, 0) as contracted,
        coalesce(moved.churned, 0) as churned,
        coalesce(last_month.opening, 0) as opening,
        coalesce(last_month.closing, 0) as closing,
        coalesce(last_month.kept, 0) as kept,
        coalesce(last_month.grown, 0) as grown,
        coalesce(last_month.population, 0) as population,
        coalesce(last_month.excluded, 0) as excluded,
        coalesce(last_month.accounts_lost, 0) as accounts_lost,
        coalesce(last_year.opening, 0) as opening_12m,
        coalesce(last_year.closing, 0) as closing_12m,
        coalesce(last_year.kept, 0) as kept_12m,
        coalesce(last_year.population, 0) as population_12m,
        coalesce(last_year.excluded, 0) as excluded_12m
    from months
    left join moved on months.month_on = moved.month_on
    left join retained as last_month
        on months.month_on = last_month.month_on and last_month.month_window = 1
    left join retained as last_year
        on months.month_on = last_year.month_on and last_year.month_window = 12
),

trailing_year as (
    select
        month_on,
        count(case when opening > 0 and closing + reactivated > 0 then 1 end) over last_12 as months_known,
        sum(case when opening > 0 and closing + reactivated > 0 then ln((closing + reactivated) / opening) end)
            over last_12 as log_growth,
        sum(accounts_lost) over last_12 as lost,
        sum(population) over last_12 as exposed
    from monthly
    window last_12 as (order by month_on rows between 11 preceding and current row)
),

first_paid as (
    select account_id, min(month_on) as month_on
    from account_months
    where movement = 'new'
    group by account_id
),

early as (
    select
        cast({{ dbt.dateadd('month', 3, 'first_paid.month_on') }} as date) as month_on,
        first_paid.account_id,
        count(case when account_months.movement = 'churn' then 1 end) > 0 as has_left
    from first_paid
    inner join account_months
        on
            first_paid.account_id = account_months.account_id
            and first_paid.month_on < account_months.month_on
            and cast({{ dbt.dateadd('month', 3, 'first_paid.month_on') }} as date) >= account_months.month_on
    group by first_paid.month_on, first_paid.account_id
),

early_monthly as (
    select month_on, count(*) as accounts, count(case when has_left then 1 end) as accounts_lost
    from early
    group by month_on
),

costs as (
    select
        month as month_on,
        sum(case when kind = 'cogs' then amount_reporting end) as cogs,
        sum(case when kind in ('sales', 'marketing') then amount_reporting end) as acquisition
    from {{ ref('int_costs') }}
    group by month
),

renewed as (
    select
        due_month_on as month_on,
        count(case when rate is not null then 1 end) as items,
        count(case when rate is null then 1 end) as excluded,
        sum(arr_due * rate) as arr_due,
        sum(least(arr_due, arr_after) * rate) as arr_renewed
    from {{ ref('int_renewals') }}
    where outcome <> 'open'
    group by due_month_on
),

joined as (
    select
        monthly.*,
        trailing_year.lost as lost_12m,
        trailing_year.exposed as exposed_12m,
        case when trailing_year.months_known = 12 then exp(trailing_year.log_growth) end as chained,
        early_monthly.accounts as early_accounts,
        early_monthly.accounts_lost as early_lost,
        costs.cogs,
        costs.acquisition,
        renewed.items as renewal_items,
        renewed.excluded as renewal_excluded,
        renewed.arr_due,
        renewed.arr_renewed,
        monthly.mrr / nullif(monthly.active - monthly.without_rate, 0) as arpa,
        (monthly.mrr - costs.cogs) / nullif(monthly.mrr, 0) as gross_margin,
        {#- Months until the mean account leaves; unknown when none left. -#}
        case
            when trailing_year.exposed > 60 * trailing_year.lost and trailing_year.lost > 0 then 60
            else cast(trailing_year.exposed as {{ sql_type('ratio') }}) / nullif(trailing_year.lost, 0)
        end as life_months
    from monthly
    inner join trailing_year on monthly.month_on = trailing_year.month_on
    left join early_monthly on monthly.month_on = early_monthly.month_on
    left join costs on monthly.month_on = costs.month_on
    left join renewed on monthly.month_on = renewed.month_on
)

{%- set metrics = [
    ('mrr', 'mrr', none, 'active', 'without_rate'),
    ('arr', '12 * mrr', none, 'active', 'without_rate'),
    ('carr', 'carr', none, 'signed', 'signed_without_rate'),
    ('active_accounts', 'active', none, 'active', '0'),
    ('arpa', 'mrr', 'active - without_rate', 'active', 'without_rate'),
    ('new_accounts', 'began', none, 'began', '0'),
    ('nrr_12m', 'closing_12m', 'opening_12m', 'population_12m', 'excluded_12m'),
    ('grr_12m', 'kept_12m', 'opening_12m', 'population_12m', 'excluded_12m'),
    ('nrr_12m_chained', 'chained', none, 'population', 'excluded'),
    ('logo_churn', 'accounts_lost', 'population', 'population', 'excluded'),
    ('gross_mrr_churn', 'opening - kept', 'opening', 'population', 'excluded'),
    ('net_mrr_churn', 'opening - closing - reactivated', 'opening', 'population', 'excluded'),
    ('early_churn_90d', 'early_lost', 'early_accounts', 'early_accounts', '0'),
    ('quick_ratio', 'new_mrr + expanded + reactivated', 'churned + contracted', 'active', 'without_rate'),
    ('expansion_rate', 'grown', 'opening', 'population', 'excluded'),
    ('gross_margin', 'mrr - cogs', 'mrr', 'active', 'without_rate'),
    ('ltv', 'arpa * gross_margin * life_months', none, 'lost_12m', 'without_rate'),
    ('cac', 'acquisition', 'began', 'began', '0'),
    ('ltv_cac', 'arpa * gross_margin * life_months', 'acquisition / nullif(began, 0)', 'began', 'without_rate'),
    ('renewal_rate', 'arr_renewed', 'arr_due', 'renewal_items', 'renewal_excluded'),
] %}
{%- for metric, numerator, denominator, population, excluded in metrics %}
select
    '{{ metric }}' as metric,
    month_on,
    is_closed,
    cast({{ numerator }} as {{ sql_type('float') }}) as numerator,
    cast({{ denominator or 'null' }} as {{ sql_type('float') }}) as denominator,
    {{ 'true' if denominator else 'false' }} as is_quotient,
    cast(coalesce({{ population }}, 0) as {{ dbt.type_bigint() }}) as population,
    cast(coalesce({{ excluded }}, 0) as {{ dbt.type_bigint() }}) as excluded
from joined
{{ 'union all' if not loop.last }}
{%- endfor %}
