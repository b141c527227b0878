{#-
    Whether past days are scored again: vars rescore_version, rescore_from and rescore_to are then
    given, measures come from what health_measures_daily stored on those days, and the models between
    it and customer_health_history are built in a schema of their own.
-#}
{% macro scoring_again() -%}
    {{- return(var('rescore_version', none) is not none) -}}
{%- endmacro %}

{#- The stored rows of the days to score; named without ref, which would make the graph a circle. -#}
{% macro stored_measures() -%}
    {%- set stored = api.Relation.create(
        database=target.database, schema='marts', identifier='health_measures_daily'
    ) -%}
    (
        select * from {{ stored }}
        where day between cast('{{ var("rescore_from") }}' as date) and cast('{{ var("rescore_to") }}' as date)
    ) as stored
{%- endmacro %}
