"""Makes the folders and parses the dbt project, for whoever starts Dagster by hand afterwards."""

from orchestration import environment

if __name__ == "__main__":
    environment.prepare()
