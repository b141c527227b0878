{{ entity_with_named_account('community_activity', 'records.occurred_at <= ' ~ as_of()) }}
