{#- A family is what var account_rollup adds up: with `own` every customer is one by itself. -#}
with members as (
    select
        hierarchy.rollup_account_id as family_account_id,
        health.account_id,
        health.health_score,
        health.health_band,
        health.health_version,
        health.arr,
        health.arr_of_unknown_health,
        row_number() over (
            partition by hierarchy.rollup_account_id
            order by
                case when health.health_score is null then 2 else 1 end asc,
                health.health_score asc,
                health.arr desc,
                health.account_id asc
        ) as worst
    from {{ ref('customer_health') }} as health
    inner join {{ ref('account_hierarchy') }} as hierarchy on health.account_id = hierarchy.account_id
),

summed as (
    {#- Who has no score or no ARR cannot weigh, and is told beside the mean. -#}
    select
        family_account_id,
        max(health_version) as health_version,
        count(*) as customers,
        count(case when health_score is null then 1 end) as customers_of_unknown_health,
        count(case when health_score is not null and coalesce(arr, 0) <= 0 then 1 end) as customers_without_weight,
        sum(arr) as arr,
        coalesce(sum(arr_of_unknown_health), 0) as arr_of_unknown_health,
        cast(
            round(
                sum(case when arr > 0 then health_score * arr end)
                / nullif(sum(case when health_score is not null and arr > 0 then arr end), 0), 2
            ) as decimal(5, 2)
        ) as health_score,
        max(case when worst = 1 and health_score is not null then account_id end) as worst_account_id,
        max(case when worst = 1 then health_score end) as worst_health_score,
        max(case when worst = 1 then health_band end) as worst_health_band
    from members
    group by family_account_id
)

select
    summed.family_account_id,
    cast(summed.customers as {{ dbt.type_bigint() }}) as customers,
    cast(summed.arr as {{ sql_type('money') }}) as arr,
    summed.health_score,
    coalesce(bands.band, 'unknown') as health_band,
    cast(summed.customers_of_unknown_health as {{ dbt.type_bigint() }}) as customers_of_unknown_health,
    cast(summed.customers_without_weight as {{ dbt.type_bigint() }}) as customers_without_weight,
    cast(summed.arr_of_unknown_health as {{ sql_type('money') }}) as arr_of_unknown_health,
    summed.worst_account_id,
    summed.worst_health_score,
    summed.worst_health_band,
    {{ as_of() }} as as_of
from summed
left join {{ ref('health_bands') }} as bands
    on
        summed.health_version = bands.version
        and summed.health_score >= bands.from_score
        and (bands.below_score is null or summed.health_score < bands.below_score)
