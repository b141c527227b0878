{{ entity_with_account('refunds') }}
