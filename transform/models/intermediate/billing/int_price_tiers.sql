{{ union_entity('price_tiers') }}
