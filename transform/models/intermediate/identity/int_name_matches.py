"""One row per record without any key and company of nearly the same name, with the probability.

The work is done by plugins/company_names.py, which is found where dbt finds its plugins.
"""


def model(dbt, session):
    dbt.config(materialized="table")
    seekers = dbt.ref("int_name_seekers").order("source, source_id").to_arrow_table()
    owners = dbt.ref("int_name_owners").order("source, source_id").to_arrow_table()

    from company_names import scored

    return scored(seekers.to_pylist(), owners.to_pylist())
