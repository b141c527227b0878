{{ union_entity('kpi_targets') }}
