{#- Versions with more than one range, an empty range, or a day in common with another version. -#}
{% test versions_do_not_overlap(model) %}
    with ranges as (
        select distinct version, effective_from, effective_to from {{ model }}
    )

    select one.version, two.version as other_version
    from ranges as one
    inner join ranges as two
        on
            (one.version <> two.version or one.effective_from <> two.effective_from
                or coalesce(one.effective_to, one.effective_from) <> coalesce(two.effective_to, two.effective_from))
            and (
                one.version = two.version
                or (
                    (two.effective_to is null or one.effective_from < two.effective_to)
                    and (one.effective_to is null or two.effective_from < one.effective_to)
                )
            )
    union all
    select version, version as other_version from ranges
    where effective_to <= effective_from
{% endtest %}
