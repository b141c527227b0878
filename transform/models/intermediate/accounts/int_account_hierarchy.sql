{#-
    Who belongs to whom, up to the top. Each pass doubles the distance, so five follow 32 levels. Who
    is still below somebody after that stands in a circle, or leads into one: those in the circle
    have their parents refused and are tops of their own.
-#}
{%- set passes = 5 -%}
with accounts as (
    select account_id, parent_account_id from {{ ref('int_account_master') }}
),

claim_0 as (
    select
        account_id,
        parent_account_id as ancestor_id
    from accounts
    where parent_account_id is not null
),

{% for i in range(passes) -%}
claim_{{ i + 1 }} as (
    select
        step.account_id,
        beyond.ancestor_id
    from claim_{{ i }} as step
    inner join claim_{{ i }} as beyond on step.ancestor_id = beyond.account_id
),

{% endfor -%}

circles as (
    select distinct ancestor_id as account_id from claim_{{ passes }}
),

step_0 as (
    select
        claim_0.account_id,
        claim_0.ancestor_id,
        1 as depth
    from claim_0
    left join circles on claim_0.account_id = circles.account_id
    where circles.account_id is null
),

{% for i in range(passes) -%}
step_{{ i + 1 }} as (
    select
        step.account_id,
        coalesce(beyond.ancestor_id, step.ancestor_id) as ancestor_id,
        step.depth + coalesce(beyond.depth, 0) as depth
    from step_{{ i }} as step
    left join step_{{ i }} as beyond on step.ancestor_id = beyond.account_id
),

{% endfor -%}

children as (
    select ancestor_id as account_id, count(*) as children from step_0
    group by ancestor_id
),

families as (
    select ancestor_id as account_id, count(*) as members from step_{{ passes }}
    group by ancestor_id
)

select
    accounts.account_id,
    parents.ancestor_id as parent_account_id,
    coalesce(tops.ancestor_id, accounts.account_id) as ultimate_parent_account_id,
    coalesce(tops.depth, 0) as depth,
    coalesce(children.children, 0) as children,
    1 + coalesce(families.members, 0) as family_size,
    circles.account_id is not null as is_parent_refused,
    case when circles.account_id is not null then accounts.parent_account_id end as refused_parent_account_id
from accounts
left join step_0 as parents on accounts.account_id = parents.account_id
left join step_{{ passes }} as tops on accounts.account_id = tops.account_id
left join circles on accounts.account_id = circles.account_id
left join children on accounts.account_id = children.account_id
left join families on coalesce(tops.ancestor_id, accounts.account_id) = families.account_id
