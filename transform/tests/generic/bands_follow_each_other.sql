{#- Bands that leave a gap, overlap, or do not run from 0 to an open end. -#}
{% test bands_follow_each_other(model) %}
    with bands as (
        select
            version,
            band,
            from_score,
            below_score,
            lag(below_score) over (partition by version order by from_score) as begins_at,
            row_number() over (partition by version order by from_score) as place,
            count(*) over (partition by version) as bands
        from {{ model }}
    )

    select * from bands
    where
        (place = 1 and from_score <> 0)
        or (place > 1 and (begins_at is null or begins_at <> from_score))
        or (place = bands and below_score is not null)
{% endtest %}
