{{ entity_with_account('subscriptions') }}
