{% snapshot snap_discounts %}
{#- A record that is gone from its source ends here; a source that is switched off ends nothing. -#}
{{ config(
    unique_key=['source', 'source_id'],
    strategy='check',
    check_cols=entity_columns('discounts').keys() | list,
    hard_deletes='invalidate' if entity_sources('discounts') else 'ignore',
) }}
{{ snapshot_rows('discounts') }}
{% endsnapshot %}
