{#- What a source says of a currency and a day wins over the seed. -#}
with given as (
    {{ union_entity('exchange_rates') }}
),

seeded as (
    select * from {{ ref('exchange_rates') }}
)

select currency, valid_from, usd_per_unit from given
union all
select
    seeded.currency,
    seeded.valid_from,
    seeded.usd_per_unit
from seeded
left join given on seeded.currency = given.currency and seeded.valid_from = given.valid_from
where given.currency is null
