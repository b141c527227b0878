{#-
    How often a customer who left was rated worse than one who stayed (Mann-Whitney, a tie counts
    half), with an interval that knows that a customer is observed month after month: the variance of
    DeLong, DeLong and Clarke-Pearson (1988), summed by account as in Obuchowski (1997).
-#}
{%- set by_cell = backtest_cell() -%}
with cells as (
    select * from {{ ref('int_backtest_cells') }}
),

known as (
    {%- for predictor in ['score', 'silence', 'sentiment'] %}
    select
        {{ backtest_cell() }},
        '{{ predictor }}' as predictor,
        account_id,
        {{ predictor }}_risk as risk,
        is_hit
    from cells
    where {{ predictor }}_risk is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

levels as (
    select {{ by_cell }}, predictor, risk, sum(is_hit) as hits, count(*) - sum(is_hit) as misses
    from known
    group by {{ by_cell }}, predictor, risk
),

places as (
    select
        {{ by_cell }},
        predictor,
        risk,
        (sum(misses) over below - misses / 2.0) / nullif(sum(misses) over everyone, 0) as place_of_hit,
        (sum(hits) over everyone - sum(hits) over below + hits / 2.0) / nullif(sum(hits) over everyone, 0)
            as place_of_miss
    from levels
    window
        below as (partition by {{ by_cell }}, predictor order by risk rows unbounded preceding),
        everyone as (partition by {{ by_cell }}, predictor)
),

accounts as (
    select
        {{ backtest_cell('known') }},
        known.predictor,
        known.account_id,
        sum(known.is_hit) as hits,
        sum(1 - known.is_hit) as misses,
        coalesce(sum(known.is_hit * places.place_of_hit), 0) as hit_places,
        coalesce(sum((1 - known.is_hit) * places.place_of_miss), 0) as miss_places
    from known
    inner join places
        on
            {{ same_backtest_cell('known', 'places') }}
            and known.predictor = places.predictor
            and known.risk = places.risk
    group by {{ backtest_cell('known') }}, known.predictor, known.account_id
),

totals as (
    select
        {{ by_cell }},
        predictor,
        sum(hits) as hits,
        sum(misses) as misses,
        count(*) as accounts,
        count(case when hits > 0 then 1 end) as hit_accounts,
        count(case when misses > 0 then 1 end) as miss_accounts,
        sum(hit_places) / nullif(sum(hits), 0) as auc
    from accounts
    group by {{ by_cell }}, predictor
    having sum(hits) > 0 and sum(misses) > 0
),

deviations as (
    select
        {{ backtest_cell('totals') }},
        totals.predictor,
        totals.auc,
        totals.hits,
        totals.misses,
        totals.accounts,
        totals.hit_accounts,
        totals.miss_accounts,
        sum(power(accounts.hit_places - accounts.hits * totals.auc, 2)) as hit_squares,
        sum(power(accounts.miss_places - accounts.misses * totals.auc, 2)) as miss_squares,
        sum(
            (accounts.hit_places - accounts.hits * totals.auc)
            * (accounts.miss_places - accounts.misses * totals.auc)
        ) as products
    from totals
    inner join accounts
        on
            {{ same_backtest_cell('totals', 'accounts') }}
            and totals.predictor = accounts.predictor
    group by
        {{ backtest_cell('totals') }},
        totals.predictor,
        totals.auc,
        totals.hits,
        totals.misses,
        totals.accounts,
        totals.hit_accounts,
        totals.miss_accounts
)

select
    {{ by_cell }},
    predictor,
    auc,
    {#- What rounding leaves below nothing is nothing. -#}
    sqrt(greatest(
        0,
        1.0 * hit_accounts / nullif(hit_accounts - 1, 0) * hit_squares / power(hits, 2)
        + 1.0 * miss_accounts / nullif(miss_accounts - 1, 0) * miss_squares / power(misses, 2)
        + 2.0 * accounts / nullif(accounts - 1, 0) * products / hits / misses
    )) as standard_error
from deviations
