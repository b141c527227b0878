"""What Dagster loads: complete, wired, watched, and without touching the network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

ROOT = Path(__file__).resolve().parents[2]

LOAD_WITHOUT_NETWORK = """
import socket, sys, time

def refuse(*_, **__):
    raise OSError("no network while definitions load")

socket.socket.connect = refuse
socket.create_connection = refuse
socket.getaddrinfo = refuse
from orchestration.definitions import defs
print(len(list(defs.resolve_all_asset_specs())))
"""

# Raw tables that no model reads yet, each with the reason it is pulled all the same.
UNREAD = {
    "raw_hubspot/assoc_deal_contact": "who took part in a deal; for stakeholder maps to come",
    "raw_hubspot/pipelines": "stages carry what the models need; kept for their labels",
    "raw_salesforce/opportunity_line_items": "what was sold; for forecasts by product to come",
    "raw_heap/dumps": "which dumps were taken; ingestion goes on from it",
    "raw_heap/sessions": "events tell of use; kept for time spent",
    "raw_segment/files": "which files were read; ingestion goes on from it",
}


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    from orchestration.definitions import defs

    return defs


@pytest.fixture(scope="module")
def specs(defs: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


@pytest.fixture(scope="module")
def manifest() -> dict:
    from orchestration import environment

    return json.loads(environment.manifest().read_text())


def test_definitions_load_in_a_fresh_process_without_a_network() -> None:
    result = subprocess.run(
        [sys.executable, "-c", LOAD_WITHOUT_NETWORK],
        cwd=ROOT,
        env={**os.environ},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert int(result.stdout.split()[-1]) > 50


def test_the_definitions_are_valid(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)


def test_every_dbt_source_is_made_by_a_pull(specs: dict, manifest: dict) -> None:
    read = {f"{node['source_name']}/{node['name']}" for node in manifest["sources"].values()}
    made = {key for key in specs if key.startswith("raw_")}
    assert read
    assert read <= made


def test_every_raw_table_is_read_by_a_model_or_listed_as_unread(manifest: dict) -> None:
    from ingestion import pipeline, settings

    parents = {parent for node in manifest["parent_map"].values() for parent in node}
    read = {
        f"{node['source_name']}/{node['name']}"
        for unique_id, node in manifest["sources"].items()
        if unique_id in parents
    }
    own_bookkeeping = {"pulls", "quarantine"}
    pulled = {
        f"raw_{source}/{table}"
        for source in settings.enabled_sources()
        for table in pipeline.table_names(source)
        if table not in own_bookkeeping
    }
    assert pulled - read == set(UNREAD)


def test_every_asset_says_what_it_is_whose_it_is_and_how_fresh_it_must_be(specs: dict) -> None:
    for key, spec in specs.items():
        assert spec.group_name, key
        assert spec.group_name != "default", key
        assert spec.owners, key
        assert spec.kinds, key
        assert spec.description, key
        # Days are scored again when a person asks for it, and are never late.
        assert bool(spec.freshness_policy) == (key != "health/rescored_days"), key


def test_every_raw_table_and_every_mart_is_checked(defs: dg.Definitions, specs: dict) -> None:
    checked = {
        key.asset_key.to_user_string()
        for node in defs.resolve_asset_graph().asset_check_keys
        for key in [node]
    }
    due = {key for key in specs if key.startswith(("raw_", "marts/"))}
    assert due - checked == {key for key in due if key.endswith("/_dlt_loads")}


def test_both_audits_gate_what_lies_downstream(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    blocking = {key.asset_key.path[0] for key in graph.asset_check_keys if graph.get(key).blocking}
    assert {"raw_hubspot", "raw_stripe", "raw_mixpanel", "marts"} <= blocking


def test_the_daily_job_holds_the_whole_graph_and_the_hourly_one_only_what_events_feed(
    defs: dg.Definitions,
) -> None:
    daily = defs.resolve_job_def("daily_graph").asset_layer.executable_asset_keys
    hourly = defs.resolve_job_def("product_events").asset_layer.executable_asset_keys
    assert dg.AssetKey(["raw_stripe", "invoices"]) in daily
    assert dg.AssetKey(["published", "c360"]) in daily
    assert dg.AssetKey(["raw_mixpanel", "events"]) in hourly
    assert dg.AssetKey(["marts", "customer_360"]) in hourly
    assert dg.AssetKey(["published", "c360"]) in hourly
    assert dg.AssetKey(["raw_stripe", "invoices"]) not in hourly


def test_every_step_that_opens_the_warehouse_waits_for_its_turn(defs: dg.Definitions) -> None:
    from ingestion import settings

    job = defs.resolve_job_def("daily_graph")
    pools = {node.name: node.definition.pool for node in job.nodes}
    for step in ("transform", "audit_raw", "audit_marts", "published__c360"):
        assert pools[step] == "warehouse", pools
    pulls = {pool for step, pool in pools.items() if step.startswith("pull_")}
    assert pulls == {f"raw_{source}" for source in settings.enabled_sources()}


def test_the_workspace_file_loads_the_same_module() -> None:
    workspace = (ROOT / "workspace.yaml").read_text()
    assert "orchestration.definitions" in workspace
    assert "working_directory: ." in workspace
