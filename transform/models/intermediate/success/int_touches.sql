{{ entity_with_named_account('touches', 'records.occurred_at <= ' ~ as_of()) }}
