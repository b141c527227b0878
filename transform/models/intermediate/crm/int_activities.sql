{{ entity_with_account('activities', known_at=none) }}
