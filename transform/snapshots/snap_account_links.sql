{% snapshot snap_account_links %}
{#-
    Where the rules placed each account record, and since when. What people decided is not kept here:
    it says itself from when to when it holds, and is taken back by taking it out of the file.
-#}
{% set columns = ['source', 'source_id', 'kind', 'account_before_override', 'rule_before_override'] %}
{{ config(
    unique_key=['source', 'source_id'],
    strategy='check',
    check_cols=['account_before_override', 'rule_before_override'],
    hard_deletes='invalidate' if entity_sources('accounts') else 'ignore',
) }}
{{ snapshot_rows('account_links', only=columns + ['linked_from_before_override']) }}
{% endsnapshot %}
