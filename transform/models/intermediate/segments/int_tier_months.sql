{#-
    The tier that each month-end leaves a customer with. The first one that is known counts at once;
    after it a tier changes only when two month-ends in a row agree, or at a renewal. When both are
    above or both below the present tier it moves to the nearer of the two, so that an account that
    swings between two higher tiers does rise. Today closes no month.

    Two month-ends pin the tier between the lower and the higher of what they met (`least_place`,
    `most_place`); a renewal or the first pins it to one. So whether a customer is at or above a
    place is what the last month-end said that was sure of it: no recursion.
-#}
with met as (
    select * from {{ ref('int_tier_rules_met') }}
),

begun as (
    select
        *,
        case
            when
                lag(month_on) over (partition by account_id, kind order by month_on)
                = cast({{ dbt.dateadd('month', -1, 'month_on') }} as date)
                then 0
            else 1
        end as is_first
    from met
),

spells as (
    select
        *,
        sum(is_first) over (
            partition by account_id, kind order by month_on rows between unbounded preceding and current row
        ) as spell
    from begun
),

numbered as (
    select
        *,
        row_number() over so_far as month_no,
        lag(met_place) over so_far as met_before,
        count(met_place) over (so_far rows between unbounded preceding and 1 preceding) as known_before
    from spells
    window so_far as (partition by account_id, kind, spell order by month_on)
),

pinned as (
    select
        *,
        case
            when met_place is null then null
            when known_before = 0 or renewed_on is not null then met_place
            when is_closed and met_before is not null
                then case when met_before < met_place then met_before else met_place end
        end as least_place,
        case
            when met_place is null then null
            when known_before = 0 or renewed_on is not null then met_place
            when is_closed and met_before is not null
                then case when met_before > met_place then met_before else met_place end
        end as most_place
    from numbered
),

sure as (
    select
        *,
        {%- for place in [2, 3] %}
        max(
            case
                when least_place >= {{ place }} then 2 * month_no + 1
                when most_place < {{ place }} then 2 * month_no
            end
        ) over so_far as said_{{ place }},
        {%- endfor %}
        count(met_place) over so_far as known_so_far
    from pinned
    window so_far as (
        partition by account_id, kind, spell order by month_on rows between unbounded preceding and current row
    )
),

held as (
    select
        *,
        case
            when known_so_far > 0 then 1 + mod(said_2, 2) + mod(said_3, 2)
        end as place
    from sure
),

compared as (
    select
        *,
        lag(place) over (partition by account_id, kind, spell order by month_on) as place_before
    from held
)

select
    account_id,
    kind,
    spell,
    month_on,
    measured_on,
    is_closed,
    version,
    place,
    met_place,
    month_no = 1 or coalesce(place, 0) <> coalesce(place_before, 0) as is_change,
    case
        when month_no = 1 and first_paid_on > month_on and first_paid_on <= measured_on then first_paid_on
        when month_no = 1 then month_on
        when place_before is not null and renewed_on is not null then renewed_on
        when not is_closed then measured_on
        else cast({{ dbt.dateadd('day', 1, 'measured_on') }} as date)
    end as from_on,
    case
        when place is null then 'unknown'
        when known_before = 0 then 'first'
        when renewed_on is not null then 'renewal'
        else 'two_month_ends'
    end as because,
    {#- The month whose rule gave the tier: of two that agree to move, the nearer one. -#}
    case
        when place = met_place then month_on
        when place is not null then cast({{ dbt.dateadd('month', -1, 'month_on') }} as date)
    end as rule_month_on,
    max(month_on) over (partition by account_id, kind, spell) as last_month_on
from compared
