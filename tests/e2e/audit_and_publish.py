"""Runs the audit of the marts and the publication alone, on whatever the warehouse holds.

Prints the steps that ended well; exits with 1 when the run failed.
"""

import sys

import dagster as dg

from orchestration import environment


def job() -> dg.JobDefinition:
    from orchestration.assets.audits import audit_step, last_publication, mart_contracts
    from orchestration.assets.publication import publication_step
    from orchestration.definitions import EXECUTOR

    audit = audit_step("marts", mart_contracts(), compared_with=last_publication)
    selection = dg.AssetSelection.assets(["published", "c360"]) | dg.AssetSelection.checks(audit)
    return dg.Definitions(
        assets=[publication_step()],
        asset_checks=[audit],
        jobs=[dg.define_asset_job("audit_and_publish", selection=selection)],
        executor=EXECUTOR,
    ).resolve_job_def("audit_and_publish")


if __name__ == "__main__":
    environment.prepare()
    from tests.e2e import audit_and_publish

    with dg.DagsterInstance.get() as instance:
        result = dg.execute_job(
            dg.reconstructable(audit_and_publish.job), instance, raise_on_error=False
        )
        for event in result.all_events:
            if event.event_type == dg.DagsterEventType.STEP_SUCCESS:
                print(event.step_key)
        sys.exit(0 if result.success else 1)
