{{ entity_with_account('payments') }}
