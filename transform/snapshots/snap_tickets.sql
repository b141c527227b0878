{% snapshot snap_tickets %}
{#-
    Only what a ticket's past is asked for: nobody's address stays here when the ticket is erased.
    A record that is gone from its source ends here; a source that is switched off ends nothing.
-#}
{% set columns = ['source', 'source_id', 'status', 'priority', 'created_at', 'is_deleted'] %}
{{ config(
    unique_key=['source', 'source_id'],
    strategy='check',
    check_cols=columns,
    hard_deletes='invalidate' if entity_sources('tickets') else 'ignore',
) }}
{{ snapshot_rows('tickets', model='int_ticket_records', only=columns) }}
{% endsnapshot %}
