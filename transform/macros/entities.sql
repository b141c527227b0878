{#-
    The contract between staging and everything above it: per entity, its columns in order and
    their types (macros/types.sql). A source that provides an entity has a model
    stg_<source>__<entity> with at least these columns. Rows are keyed by (source, source_id).
-#}
{% macro entity_columns(entity) -%}
    {%- set entities = {
        'accounts': {
            'source': 'text', 'source_id': 'text', 'kind': 'text', 'name': 'text', 'domain': 'text',
            'website': 'text', 'industry': 'text', 'employee_count': 'integer', 'country': 'text',
            'owner_source_id': 'text', 'parent_source_id': 'text', 'crm_id': 'text',
            'product_id': 'text', 'billing_id': 'text', 'email': 'text',
            'created_at': 'timestamp', 'updated_at': 'timestamp', 'is_deleted': 'boolean',
        },
        'account_merges': {
            'source': 'text', 'survivor_source_id': 'text', 'merged_source_id': 'text',
        },
        'contacts': {
            'source': 'text', 'source_id': 'text', 'email': 'text', 'email_domain': 'text',
            'first_name': 'text', 'last_name': 'text', 'title': 'text',
            'account_source_id': 'text', 'created_at': 'timestamp', 'updated_at': 'timestamp',
            'is_deleted': 'boolean',
        },
        'owners': {
            'source': 'text', 'source_id': 'text', 'name': 'text', 'email': 'text',
            'is_active': 'boolean',
        },
        'opportunities': {
            'source': 'text', 'source_id': 'text', 'account_source_id': 'text', 'name': 'text',
            'amount': 'money', 'currency': 'text', 'stage': 'text', 'is_closed': 'boolean',
            'is_won': 'boolean', 'type': 'text', 'closed_on': 'date', 'created_at': 'timestamp',
            'updated_at': 'timestamp', 'owner_source_id': 'text', 'is_deleted': 'boolean',
        },
        'activities': {
            'source': 'text', 'source_id': 'text', 'account_source_id': 'text', 'type': 'text',
            'occurred_at': 'timestamp', 'outcome': 'text', 'is_two_way': 'boolean',
            'title': 'text', 'owner_source_id': 'text', 'is_deleted': 'boolean',
        },
        'products': {
            'source': 'text', 'source_id': 'text', 'name': 'text', 'is_active': 'boolean',
            'is_seat_based': 'boolean', 'features': 'text',
        },
        'subscriptions': {
            'source': 'text', 'source_id': 'text', 'account_source_id': 'text', 'status': 'text',
            'currency': 'text', 'started_at': 'timestamp', 'ended_at': 'timestamp',
            'trial_start_at': 'timestamp', 'trial_end_at': 'timestamp', 'cancel_at': 'timestamp',
            'cancel_at_period_end': 'boolean', 'canceled_at': 'timestamp',
            'cancellation_reason': 'text', 'pause_behavior': 'text',
            'pause_resumes_at': 'timestamp', 'current_period_start_at': 'timestamp',
            'current_period_end_at': 'timestamp', 'collection_method': 'text',
            'created_at': 'timestamp',
        },
        'subscription_items': {
            'source': 'text', 'source_id': 'text', 'subscription_source_id': 'text',
            'product_source_id': 'text', 'product_name': 'text', 'is_seat_based': 'boolean',
            'product_features': 'text', 'price_source_id': 'text', 'quantity': 'integer',
            'billing_scheme': 'text', 'unit_amount': 'unit_price', 'tiers_mode': 'text',
            'tiers': 'json', 'transform_divide_by': 'integer', 'transform_round': 'text',
            'interval': 'text', 'interval_count': 'integer', 'usage_type': 'text',
            'currency': 'text', 'is_active': 'boolean', 'created_at': 'timestamp',
        },
        'price_tiers': {
            'source': 'text', 'price_source_id': 'text', 'tier_no': 'integer', 'up_to': 'integer',
            'unit_amount': 'unit_price', 'flat_amount': 'unit_price', 'currency': 'text',
        },
        'discounts': {
            'source': 'text', 'source_id': 'text', 'subscription_source_id': 'text',
            'item_source_id': 'text', 'account_source_id': 'text', 'percent_off': 'ratio',
            'amount_off': 'money', 'currency': 'text', 'duration': 'text',
            'starts_at': 'timestamp', 'ends_at': 'timestamp', 'applies_to_products': 'json',
        },
        'invoices': {
            'source': 'text', 'source_id': 'text', 'account_source_id': 'text',
            'subscription_source_id': 'text', 'status': 'text', 'currency': 'text',
            'total': 'money', 'amount_due': 'money', 'amount_paid': 'money',
            'amount_remaining': 'money', 'issued_at': 'timestamp', 'due_at': 'timestamp',
            'paid_at': 'timestamp', 'voided_at': 'timestamp', 'billing_reason': 'text',
        },
        'invoice_lines': {
            'source': 'text', 'source_id': 'text', 'invoice_source_id': 'text',
            'subscription_source_id': 'text', 'item_source_id': 'text', 'price_source_id': 'text',
            'product_source_id': 'text', 'amount': 'money', 'discount_amount': 'money',
            'currency': 'text', 'quantity': 'integer', 'is_proration': 'boolean',
            'period_start_at': 'timestamp', 'period_end_at': 'timestamp',
        },
        'payments': {
            'source': 'text', 'source_id': 'text', 'account_source_id': 'text',
            'invoice_source_id': 'text', 'amount': 'money', 'amount_refunded': 'money',
            'currency': 'text', 'status': 'text', 'failure_code': 'text', 'created_at': 'timestamp',
        },
        'refunds': {
            'source': 'text', 'source_id': 'text', 'account_source_id': 'text',
            'payment_source_id': 'text', 'amount': 'money', 'currency': 'text', 'status': 'text',
            'created_at': 'timestamp',
        },
        'credit_notes': {
            'source': 'text', 'source_id': 'text', 'account_source_id': 'text',
            'invoice_source_id': 'text', 'amount': 'money', 'currency': 'text', 'status': 'text',
            'created_at': 'timestamp',
        },
        'product_events': {
            'source': 'text', 'event_id': 'text', 'occurred_at': 'timestamp',
            'received_at': 'timestamp', 'user_key': 'text', 'device_key': 'text',
            'account_key': 'text', 'event_name': 'text', 'properties': 'json', 'loaded_at': 'timestamp',
        },
        'product_users': {
            'source': 'text', 'user_key': 'text', 'account_key': 'text', 'email': 'text',
            'created_at': 'timestamp', 'last_seen_at': 'timestamp',
        },
        'product_user_aliases': {
            'source': 'text', 'merged_user_key': 'text', 'user_key': 'text', 'merged_at': 'timestamp',
        },
        'tickets': {
            'source': 'text', 'source_id': 'text', 'account_source_id': 'text',
            'requester_source_id': 'text', 'requester_email': 'text', 'channel': 'text',
            'type': 'text', 'status': 'text', 'priority': 'text', 'created_at': 'timestamp',
            'updated_at': 'timestamp', 'first_reply_at': 'timestamp', 'solved_at': 'timestamp',
            'reopened_count': 'integer', 'is_deleted': 'boolean',
        },
        'survey_responses': {
            'source': 'text', 'source_id': 'text', 'instrument': 'text', 'score': 'ratio',
            'scale_min': 'ratio', 'scale_max': 'ratio', 'respondent_source_id': 'text',
            'respondent_email': 'text', 'account_source_id': 'text', 'ticket_source_id': 'text',
            'responded_at': 'timestamp', 'updated_at': 'timestamp', 'is_deleted': 'boolean',
        },
        'touches': {
            'source': 'text', 'source_id': 'text', 'account_source_id': 'text',
            'contact_email': 'text', 'type': 'text', 'occurred_at': 'timestamp', 'title': 'text',
        },
        'csm_sentiment': {
            'source': 'text', 'source_id': 'text', 'account_source_id': 'text', 'sentiment': 'text',
            'author': 'text', 'given_on': 'date', 'reason': 'text', 'expires_on': 'date',
            'written_at': 'timestamp',
        },
        'objectives': {
            'source': 'text', 'source_id': 'text', 'account_source_id': 'text', 'objective': 'text',
            'status': 'text', 'owner': 'text', 'created_on': 'date', 'target_on': 'date',
            'met_on': 'date', 'written_at': 'timestamp',
        },
        'score_overrides': {
            'source': 'text', 'source_id': 'text', 'account_source_id': 'text', 'kind': 'text',
            'score_cap': 'ratio', 'band': 'text', 'author': 'text', 'reason': 'text',
            'from_on': 'date', 'expires_on': 'date', 'written_at': 'timestamp',
        },
        'tier_overrides': {
            'source': 'text', 'source_id': 'text', 'account_source_id': 'text',
            'touch_tier': 'text', 'author': 'text', 'reason': 'text', 'from_on': 'date',
            'expires_on': 'date', 'written_at': 'timestamp',
        },
        'identity_overrides': {
            'source': 'text', 'source_id': 'text', 'record_source': 'text', 'record_id': 'text',
            'account_source_id': 'text', 'action': 'text', 'author': 'text', 'reason': 'text',
            'valid_from': 'date', 'valid_to': 'date', 'written_at': 'timestamp',
        },
        'community_activity': {
            'source': 'text', 'source_id': 'text', 'account_source_id': 'text',
            'contact_email': 'text', 'type': 'text', 'occurred_at': 'timestamp', 'title': 'text',
        },
        'feature_requests': {
            'source': 'text', 'source_id': 'text', 'request_id': 'text', 'title': 'text',
            'account_source_id': 'text', 'status': 'text', 'votes': 'integer',
            'requested_on': 'date', 'shipped_on': 'date', 'release': 'text',
            'written_at': 'timestamp',
        },
        'account_notes': {
            'source': 'text', 'source_id': 'text', 'account_source_id': 'text', 'kind': 'text',
            'noted_on': 'date', 'author': 'text', 'note': 'text',
        },
        'costs': {
            'source': 'text', 'source_id': 'text', 'month': 'date', 'kind': 'text',
            'amount': 'money', 'currency': 'text',
        },
        'kpi_targets': {
            'source': 'text', 'source_id': 'text', 'metric': 'text', 'segment': 'text',
            'month': 'date', 'target': 'ratio',
        },
        'exchange_rates': {
            'source': 'text', 'source_id': 'text', 'currency': 'text', 'valid_from': 'date',
            'usd_per_unit': 'unit_price',
        },
        'freshness': {
            'source': 'text', 'kind': 'text', 'newest_record_at': 'timestamp',
            'pulled_at': 'timestamp',
        },
    } -%}
    {{- return(entities[entity]) -}}
{%- endmacro %}

{#- Sources that are switched on and provide the entity, in the order of var sources. -#}
{% macro entity_sources(entity) -%}
    {%- set found = [] -%}
    {%- for source_name in var('sources') if entity in var('entities').get(source_name, []) -%}
        {%- do found.append(source_name) -%}
    {%- endfor -%}
    {{- return(found) -}}
{%- endmacro %}

{#- Every source's rows of an entity, typed by its contract; typed and empty when no source has it. -#}
{% macro union_entity(entity) -%}
    {%- set columns = entity_columns(entity) -%}
    {%- for source_name in entity_sources(entity) %}
    select
        {%- for name, kind in columns.items() %}
        cast(e.{{ name }} as {{ sql_type(kind) }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('stg_' ~ source_name ~ '__' ~ entity) }} as e
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        {%- for name, kind in columns.items() %}
        cast(null as {{ sql_type(kind) }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (select 1 as nothing) as e
    where 1 = 0
    {%- endfor %}
{%- endmacro %}

{#-
    An entity with `account_id`, found through the record's account_source_id; NULL = not matched.
    Rows made after as_of (by `known_at`) are left out, so that a replay sees what was there then.
-#}
{% macro entity_with_account(entity, known_at='created_at') -%}
    with records as (
        {{ union_entity(entity) }}
    ),

    links as (
        select source, source_id, account_id from {{ ref('int_account_links') }}
    )

    select
        records.*,
        links.account_id
    from records
    left join links
        on records.source = links.source and records.account_source_id = links.source_id
    {% if known_at -%}
    where records.{{ known_at }} is null or records.{{ known_at }} <= {{ as_of() }}
    {%- endif %}
{%- endmacro %}
