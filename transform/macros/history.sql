{#-
    Whether what as_of gives belongs into a history: of its newest day, run again, and of days that it
    does not have yet. A replay of a day that is stored leaves it as it was known then. A condition
    on a CTE `recorded` (history_days).
-#}
{% macro history_days() -%}
    select
        max(day) as newest_day,
        coalesce(max(case when day = {{ as_of_day() }} then 1 end), 0) as is_stored
    from {{ this }}
{%- endmacro %}

{% macro is_to_be_stored() -%}
    recorded.is_stored = 0 or recorded.newest_day <= {{ as_of_day() }}
{%- endmacro %}

{#- When this run writes; the one thing that two runs with the same as_of may differ in. -#}
{% macro loaded_at() -%}
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as {{ dbt.type_timestamp() }})
{%- endmacro %}

{#-
    The change of each score over 7, 28 and 90 days: of what was in force against what was in force
    then, under whatever version; of another version against itself where it was scored then, or else
    against what was in force. Where a day was not stored, the newest of the few days before it stands
    in; without any the change is unknown. `scored` and `past` are CTEs with account_id, day, version,
    score and is_in_force.
-#}
{% macro score_changes(scored, past) -%}
    {%- set spans = [7, 28, 90] -%}
    select
        account_id,
        day,
        version,
        {%- for span in spans %}
        cast(
            max(score) - max(case when span = {{ span }} and nearness = 1 then past_score end) as decimal(5, 2)
        ) as delta_{{ span }}d{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select
            scored.account_id,
            scored.day,
            scored.version,
            scored.score,
            spans.span,
            past.score as past_score,
            row_number() over (
                partition by scored.account_id, scored.day, scored.version, spans.span
                order by
                    spans.late asc,
                    case
                        when scored.is_in_force and past.is_in_force then 1
                        when not scored.is_in_force and past.version = scored.version then 1
                        else 2
                    end asc
            ) as nearness
        from {{ scored }} as scored
        cross join (
            {%- for span in spans %}
            {%- set last_span = loop.last %}
            {%- for late in range(var('history_gap_days') + 1) %}
            select {{ span }} as span, {{ late }} as late
            {{ 'union all' if not (loop.last and last_span) }}
            {%- endfor %}
            {%- endfor %}
        ) as spans
        inner join {{ past }} as past
            on
                scored.account_id = past.account_id
                and past.day = {{ dbt.dateadd('day', '-(spans.span + spans.late)', 'scored.day') }}
                and (past.is_in_force or past.version = scored.version)
    ) as pairs
    group by account_id, day, version
{%- endmacro %}

{#- Delete the scores that the model is about to write anew. -#}
{% macro forget_scores() -%}
    {%- if is_incremental() and not flags.EMPTY and scoring_again() -%}
        delete from {{ this }}
        where
            health_version = '{{ var("rescore_version") }}'
            and day between cast('{{ var("rescore_from") }}' as date) and cast('{{ var("rescore_to") }}' as date)
    {%- elif is_incremental() and not flags.EMPTY -%}
        delete from {{ this }}
        where
            day = {{ as_of_day() }} and is_in_force
            and not exists (select 1 from {{ this }} as later where later.day > {{ as_of_day() }})
    {%- endif -%}
{%- endmacro %}
