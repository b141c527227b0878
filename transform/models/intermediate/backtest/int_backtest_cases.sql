{#-
    What every version of the score said on a day of observation beside what came of it: one row per
    thing that could come. Who left for another reason than the one asked for is no case of either.
    Risk is higher the worse; NULL when it was not known on the day.
-#}
with labels as (
    select * from {{ ref('churn_labels') }}
    where is_counted
),

history as (
    select account_id, day, health_version, health_score, health_band
    from {{ ref('customer_health_history') }}
),

measures as (
    select account_id, day, days_since_core_use, csm_sentiment
    from {{ ref('health_measures_daily') }}
),

targets as (
    {%- for target in backtest_targets() %}
    select '{{ target }}' as target
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

joined as (
    select
        history.health_version as version,
        labels.account_id,
        labels.observed_on,
        labels.basis,
        labels.touch_tier,
        labels.arr,
        labels.churned_on,
        targets.target,
        history.health_band,
        100 - history.health_score as score_risk,
        measures.days_since_core_use as silence_risk,
        2 - measures.csm_sentiment as sentiment_risk,
        case
            when targets.target in ('churn', 'churn_or_contraction') and labels.outcome = 'churned' then 1
            when labels.outcome = 'churned' then case when labels.churn_kind = targets.target then 1 end
            when
                targets.target = 'churn_or_contraction'
                and labels.contraction_pct >= {{ var('backtest_contraction_pct') }}
                then 1
            else 0
        end as is_hit
    from labels
    inner join history on labels.account_id = history.account_id and labels.observed_on = history.day
    left join measures on labels.account_id = measures.account_id and labels.observed_on = measures.day
    cross join targets
)

select
    *,
    {#- Half-years, so that a challenger can be held against the champion on two of them. -#}
    cast(extract(year from observed_on) as {{ dbt.type_string() }})
    || case when extract(month from observed_on) <= 6 then 'H1' else 'H2' end as half_year
from joined
where is_hit is not null
