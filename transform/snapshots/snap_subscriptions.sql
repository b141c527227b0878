{% snapshot snap_subscriptions %}
{#- A record that is gone from its source ends here; a source that is switched off ends nothing. -#}
{{ config(
    unique_key=['source', 'source_id'],
    strategy='check',
    check_cols=entity_columns('subscriptions').keys() | list,
    hard_deletes='invalidate' if entity_sources('subscriptions') else 'ignore',
) }}
{{ snapshot_rows('subscriptions') }}
{% endsnapshot %}
