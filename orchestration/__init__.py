"""The Dagster graph over pull, build, audit and publish. It holds none of their logic."""
