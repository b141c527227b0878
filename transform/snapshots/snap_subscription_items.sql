{% snapshot snap_subscription_items %}
{#- A record that is gone from its source ends here; a source that is switched off ends nothing. -#}
{{ config(
    unique_key=['source', 'source_id'],
    strategy='check',
    check_cols=entity_columns('subscription_items').keys() | list,
    hard_deletes='invalidate' if entity_sources('subscription_items') else 'ignore',
) }}
{{ snapshot_rows('subscription_items') }}
{% endsnapshot %}
