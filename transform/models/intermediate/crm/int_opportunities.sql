{{ entity_with_account('opportunities') }}
