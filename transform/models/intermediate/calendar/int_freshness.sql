{{ union_entity('freshness') }}
