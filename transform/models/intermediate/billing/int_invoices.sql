{{ entity_with_account('invoices', known_at='issued_at') }}
