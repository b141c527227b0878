{#-
    Which record a person meant by the account that an override names, found among records alone,
    because links follow from it. The best way of naming that finds any decides, then the kind of
    source that stands first; it must be one record. An override ends where the next one of the same
    record begins.
-#}
{%- set kinds = "case records.kind when 'crm' then 1 when 'billing' then 2 when 'product' then 3 else 4 end" -%}
with written as (
    {{ union_entity('identity_overrides') }}
),

records as (
    select * from {{ ref('int_account_records') }}
),

survivors as (
    select * from {{ ref('int_account_survivors') }}
),

known_ids as (
    {#- A record merged into another may be gone, and is still a name of it. -#}
    select source, source_id, kind, is_anchor from records
    union
    select survivors.source, survivors.source_id, records.kind, records.is_anchor
    from survivors
    inner join records
        on survivors.source = records.source and survivors.survivor_source_id = records.source_id
),

people as (
    select * from {{ ref('int_account_people') }}
),

overrides as (
    select
        *,
        lower(trim(account_source_id)) as plain,
        {{ registrable_domain(normalise_domain('account_source_id')) }} as domain,
        row_number() over (
            partition by record_source, record_id
            order by valid_from desc, written_at desc, source_id desc
        ) as recency
    from written
    where valid_from <= {{ as_of_day() }}
),

named as (
    select
        overrides.source_id,
        1 as rank,
        records.source as target_source,
        records.source_id as target_source_id,
        {{ kinds }} as place
    from overrides
    inner join known_ids as records on overrides.plain = lower(records.source || ':' || records.source_id)
    union
    select
        overrides.source_id,
        2 as rank,
        records.source as target_source,
        records.source_id as target_source_id,
        {{ kinds }} as place
    from overrides
    inner join people on overrides.plain = people.email
    inner join records on people.source = records.source and people.source_id = records.source_id
    where not records.is_deleted
    union
    select
        overrides.source_id,
        3 as rank,
        records.source as target_source,
        records.source_id as target_source_id,
        {{ kinds }} as place
    from overrides
    inner join records on overrides.domain = records.match_domain
    where not records.is_deleted and records.source_id = records.survivor_source_id
    union
    select
        overrides.source_id,
        4 as rank,
        records.source as target_source,
        records.source_id as target_source_id,
        {{ kinds }} as place
    from overrides
    inner join records on overrides.plain = lower(trim(records.name))
    where not records.is_deleted and records.source_id = records.survivor_source_id
),

ranked as (
    select
        *,
        rank() over (partition by source_id order by rank, place) as precedence
    from named
),

targets as (
    select
        source_id,
        count(*) as records,
        min(target_source) as target_source,
        min(target_source_id) as target_source_id,
        min(place) as place
    from ranked
    where precedence = 1
    group by source_id
)

select
    overrides.source,
    overrides.source_id,
    overrides.record_source,
    overrides.record_id,
    overrides.action,
    overrides.valid_from,
    overrides.valid_to,
    overrides.recency = 1 and (overrides.valid_to is null or overrides.valid_to > {{ as_of_day() }}) as is_in_force,
    case when targets.records = 1 then targets.target_source end as target_source,
    case when targets.records = 1 then targets.target_source_id end as target_source_id,
    case
        when records.source_id is null then 'unknown_record'
        when overrides.account_source_id is null and overrides.action = 'unlink' then null
        when targets.records is null then 'unknown_account'
        when targets.records > 1 then 'ambiguous_account'
        when targets.target_source = records.source and targets.target_source_id = records.source_id then 'own_account'
        {#- An account is found through records of its own kind or of one before it. -#}
        when targets.place > {{ kinds }} then 'account_of_later_kind'
        when records.kind = 'crm' and records.is_anchor and not target_records.is_anchor then 'account_of_later_kind'
    end as problem
from overrides
left join targets on overrides.source_id = targets.source_id
left join known_ids as records
    on overrides.record_source = records.source and overrides.record_id = records.source_id
left join known_ids as target_records
    on
        targets.target_source = target_records.source
        and targets.target_source_id = target_records.source_id
