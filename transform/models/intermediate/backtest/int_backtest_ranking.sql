{#-
    What a list of the worst scores would have caught. Equal scores have no order: of a group that the
    end of the list cuts through, the same share of hits and of revenue is counted as of its length.
-#}
{%- set by_cell = backtest_cell() -%}
{%- set cuts = [10, 20] -%}
with levels as (
    select
        {{ by_cell }},
        score_risk as risk,
        count(*) as cases,
        sum(is_hit) as hits,
        coalesce(sum(case when is_hit = 1 then arr end), 0) as hit_arr
    from {{ ref('int_backtest_cells') }}
    where score_risk is not null
    group by {{ by_cell }}, score_risk
),

lists as (
    select
        *,
        sum(cases) over worst_first as cases_so_far,
        sum(hits) over worst_first as hits_so_far,
        sum(cases) over everyone as all_cases,
        sum(hits) over everyone as all_hits,
        sum(hit_arr) over everyone as all_hit_arr
    from levels
    window
        worst_first as (partition by {{ by_cell }} order by risk desc rows unbounded preceding),
        everyone as (partition by {{ by_cell }})
),

listed as (
    select
        {%- for cut in cuts %}
        case
            when cases_so_far <= all_cases * {{ cut }} / 100.0 then 1
            when cases_so_far - cases < all_cases * {{ cut }} / 100.0
                then (all_cases * {{ cut }} / 100.0 - cases_so_far + cases) / cases
            else 0
        end as in_worst_{{ cut }},
        {%- endfor %}
        lists.*
    from lists
)

select
    {{ by_cell }},
    sum(1.0 * hits / nullif(all_hits, 0) * hits_so_far / cases_so_far) as pr_auc,
    sum(hits * in_worst_10) / nullif(0.1 * max(all_hits), 0) as lift_top_decile,
    100.0 * sum(hit_arr * in_worst_10) / nullif(max(all_hit_arr), 0) as captured_arr_10_pct,
    100.0 * sum(hit_arr * in_worst_20) / nullif(max(all_hit_arr), 0) as captured_arr_20_pct
from listed
group by {{ by_cell }}
