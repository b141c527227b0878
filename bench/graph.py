"""The whole graph: the second run against the first, and the build against its bare SQL."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import duckdb

from bench.measure import ROOT, command, line, stopwatch
from sandbox import Sandbox

WITHIN_SECONDS = 90


def main(sandbox: Sandbox, home: Path) -> None:
    """Run the product twice on a fresh data folder, then its compiled SQL by hand."""
    data = home / "graph"
    environment = {
        **sandbox.environment(),
        "C360_DATA_DIR": str(data),
        "C360_PUBLISH_DIR": str(home / "published"),
        "DAGSTER_HOME": str(data / "dagster"),
    }
    first = command(["-m", "orchestration.run"], environment, log=home / "first.log")
    second = command(["-m", "orchestration.run"], environment, log=home / "second.log")
    line(
        "graph: first run, of 90 s",
        first.seconds / WITHIN_SECONDS,
        "<= 1",
        f"{first.seconds:.0f} s, peak {first.peak_mb:,.0f} MB in the largest process",
    )
    line(
        "graph: second run (nothing new), of the first",
        second.seconds / first.seconds,
        "<= 0.33",
        f"{second.seconds:.0f} s",
    )
    _build(environment, data, home)


def _build(environment: dict[str, str], data: Path, home: Path) -> None:
    """`dbt build --full-refresh` without tests, against its compiled statements one by one."""
    arguments = [
        *["-m", "dbt.cli.main", "--quiet", "run", "--full-refresh"],
        *["--project-dir", "transform", "--profiles-dir", "transform"],
        *["--target-path", str(home / "dbt"), "--log-path", str(home / "dbt")],
    ]
    by_dbt = command(arguments, environment, log=home / "dbt.log")
    results = json.loads((home / "dbt" / "run_results.json").read_text())["results"]
    manifest = json.loads((home / "dbt" / "manifest.json").read_text())["nodes"]
    statements = [
        (node["relation_name"], node["compiled_code"])
        for node in results
        if node["unique_id"].startswith("model.")
        and node.get("compiled_code")
        and manifest[node["unique_id"]]["language"] == "sql"
    ]
    sys.path.append(str(ROOT / "transform" / "plugins"))
    domains = importlib.import_module("registrable_domain")
    with duckdb.connect(data / "warehouse.duckdb") as warehouse:
        domains.register(warehouse)
        for path in sorted((data / "raw").glob("raw_*.duckdb")):
            alias = path.stem.replace("raw_", "src_")
            warehouse.execute(f"attach '{path}' as {alias} (read_only)")
        warehouse.execute("set TimeZone = 'UTC'")
        with stopwatch() as by_hand:
            for _, sql in statements:
                warehouse.execute(f"create or replace temp table by_hand as {sql}")
    line(
        "build: dbt run, of its SQL by hand",
        by_dbt.seconds / by_hand.seconds,
        "<= 3",
        f"{len(statements)} models, {by_dbt.seconds:.1f} s against {by_hand.seconds:.1f} s",
    )
