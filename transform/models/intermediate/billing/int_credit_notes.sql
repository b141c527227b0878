{{ entity_with_account('credit_notes') }}
