{{ entity_with_named_account('account_notes', 'records.noted_on <= ' ~ as_of_day()) }}
