"""One step for the whole dbt project: seeds, models, snapshots and their tests, in one build."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DbtCliInvocation, DbtCliResource, DbtProject, dbt_assets

from ingestion import pipeline, settings
from orchestration import columns, environment, policies, unchanged
from orchestration.assets.publication import PUBLICATION
from orchestration.translators import ModelTranslator

UNCHANGED = "unchanged"
PROJECT = DbtProject(
    project_dir=environment.TRANSFORM,
    profiles_dir=environment.TRANSFORM,
    target_path=environment.dbt_target(),
)


def dbt_resource() -> DbtCliResource:
    """The dbt command line of this project."""
    return DbtCliResource(
        project_dir=PROJECT,
        profiles_dir=str(environment.TRANSFORM),
        # The one beside this interpreter: the environment need not be activated.
        dbt_executable=str(Path(sys.executable).with_name("dbt")),
    )


def build_args() -> list[str]:
    """`dbt build` of whatever is selected. Unit tests mock their inputs and run in `make test`."""
    return [
        "build",
        "--exclude-resource-type",
        "unit_test",
        "--vars",
        json.dumps(environment.dbt_vars()),
    ]


@dbt_assets(
    manifest=environment.manifest(),
    project=PROJECT,
    name="transform",
    dagster_dbt_translator=ModelTranslator(),
    pool="warehouse",
    retry_policy=dg.RetryPolicy(max_retries=2, delay=15),
)
def transform(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Build what is selected, unless readers already have what the whole of it would make.

    A failing test fails the step for good, a lock is tried again.
    """
    for source in settings.enabled_sources():
        pipeline.ensure_tables(source)
    environment.export_as_of()
    made_from = unchanged.inputs()
    if _is_of_no_use(context, made_from):
        # Without an output nothing behind this step runs.
        context.log_event(dg.AssetObservation(PUBLICATION, metadata={UNCHANGED: True}))
        return
    wait_for_writer(policies.LOCK_WAIT_SECONDS)
    target = environment.fresh_build_target()
    # Looks into the warehouse, so before dbt holds it.
    lineage = columns.Columns(target)
    invocation = dbt.cli(build_args(), context=context, raise_on_error=False, target_path=target)
    # Without counts of rows: nobody can count while dbt holds the file, so every event would wait
    # for its end. What readers get is counted when it is published.
    yield from lineage.add_to(invocation.stream())
    if not invocation.is_successful():
        raise _failure(invocation)
    if not context.is_subset:
        unchanged.note_built_from(made_from)
        lineage.remember()


def _is_of_no_use(context: dg.AssetExecutionContext, made_from: str) -> bool:
    return (
        not context.is_subset
        and not unchanged.failed_pulls(context.instance, context.run_id)
        and unchanged.is_published(context.instance, PUBLICATION, made_from)
    )


def wait_for_writer(seconds: float) -> None:
    """Wait until nobody holds the warehouse file: a killed step leaves its dbt process behind.

    Raises duckdb.IOException when somebody still does after `seconds`.
    """
    give_up = time.monotonic() + seconds
    while True:
        try:
            duckdb.connect(environment.warehouse(), config=WAREHOUSE_CONFIG).close()
            return
        except duckdb.IOException:
            if time.monotonic() > give_up:
                raise
            time.sleep(1)


# A file made by a bare connect would be unreadable for clients of DuckDB 1.x.
WAREHOUSE_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": "v1.4.0"
}


def _failure(invocation: DbtCliInvocation) -> dg.Failure:
    """What dbt says went wrong, node by node; only a lock is worth another try."""
    try:
        results = invocation.get_artifact("run_results.json")["results"]
    except FileNotFoundError:
        return dg.Failure("dbt did not start; its log says why.", allow_retries=True)
    bad = [node for node in results if node["status"] in ("error", "fail")]
    locked = any("could not set lock" in (node.get("message") or "").lower() for node in bad)
    told = "; ".join(f"{node['unique_id']}: {node.get('message')}" for node in bad)
    return dg.Failure(told[:2000] or "dbt stopped half-way.", allow_retries=locked or not bad)
