{#-
    Whose money it is, day by day. What the rules find out holds for the past too. What a person
    decided holds from the day on that was given, and before it the record counts where the rules
    place it: a contract that moves has paid for both accounts in turn. An account that is no more
    has no past of its own.
-#}
with links as (
    select * from {{ ref('int_account_links') }}
),

accounts as (
    select distinct account_id from links
    where account_id is not null
),

decided as (
    select
        source,
        source_id,
        account_id,
        cast(valid_from as date) as from_on,
        cast(valid_to as date) as to_on
    from {{ ref('int_link_ranges') }}
    where rule = 'manual_link' and account_id is not null
),

placed as (
    select
        links.source,
        links.source_id,
        links.account_id as account_now,
        case
            when links.rule = 'manual_link' and accounts.account_id is not null then accounts.account_id
            else links.account_id
        end as account_by_rule
    from links
    left join accounts on links.account_before_override = accounts.account_id
),

ruled as (
    {#- Days that no decision covers: before the first, between two, after the last. -#}
    select
        source,
        source_id,
        lag(to_on) over (partition by source, source_id order by from_on) as from_on,
        from_on as to_on,
        row_number() over (partition by source, source_id order by from_on) as place
    from decided
    union all
    select source, source_id, max(to_on) as from_on, cast(null as date) as to_on, 0 as place
    from decided
    group by source, source_id
    having count(*) = count(to_on)
)

select source, source_id, account_id, from_on, to_on
from decided
union all
select
    ruled.source,
    ruled.source_id,
    placed.account_by_rule as account_id,
    ruled.from_on,
    ruled.to_on
from ruled
inner join placed on ruled.source = placed.source and ruled.source_id = placed.source_id
where ruled.place = 1 or ruled.from_on <> ruled.to_on or ruled.to_on is null
union all
select
    placed.source,
    placed.source_id,
    placed.account_by_rule as account_id,
    cast(null as date) as from_on,
    cast(null as date) as to_on
from placed
left join decided on placed.source = decided.source and placed.source_id = decided.source_id
where decided.source is null and placed.account_by_rule is not null
