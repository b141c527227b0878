"""Pulls what vendors hold into one raw DuckDB file per vendor. Knows vendors and dlt alone."""
