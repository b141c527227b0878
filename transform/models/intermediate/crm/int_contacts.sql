{{ entity_with_account('contacts') }}
