"""The last step: what passed the audit becomes the publication that readers open."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import duckdb

from orchestration import environment, freshness, policies, unchanged
from publish.publication import publish

SOURCES_COMPLETE = "sources_complete"
PUBLICATION = dg.AssetKey(["published", "c360"])


def mart_keys() -> list[dg.AssetKey]:
    """Keys of every mart of the dbt project, in the order of their names."""
    return sorted(dg.AssetKey(["marts", node["name"]]) for node in _marts())


def withheld_columns() -> dict[str, list[str]]:
    """Columns that hold personal data and that no contract releases, by mart.

    A column is personal when its `meta` carries `pii`; `meta: {pii: ..., published: true}` is the
    contract's own word that readers may have it.
    """
    withheld = {
        node["name"]: [name for name, column in node["columns"].items() if _is_withheld(column)]
        for node in _marts()
    }
    return {mart: columns for mart, columns in withheld.items() if columns}


def publication_step() -> dg.AssetsDefinition:
    """The asset `published/c360`: DuckDB file and Parquet, swapped in whole."""

    @dg.asset(
        key=PUBLICATION,
        deps=mart_keys(),
        group_name="f_published",
        owners=[policies.policy_for(PUBLICATION).owner],
        freshness_policy=policies.policy_for(PUBLICATION).made_within.policy(),
        kinds={"duckdb", "parquet"},
        pool="warehouse",
        description=(
            "The audited marts as one DuckDB file and as Parquet, for BI tools, the page and "
            "exports. A failed audit leaves the previous publication in place."
        ),
    )
    def c360(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        as_of = _built_as_of()
        freshness.record(context.instance, environment.warehouse(), as_of)
        publication = publish(
            environment.warehouse(),
            environment.publish_dir(),
            run_id=context.run.run_id,
            as_of=as_of,
            withheld=withheld_columns(),
        )
        return dg.MaterializeResult(
            metadata={
                "marts": len(publication.marts),
                "rows": sum(publication.marts.values()),
                **{f"rows/{mart}": rows for mart, rows in sorted(publication.marts.items())},
                "file": publication.path.name,
                unchanged.INPUTS: unchanged.built_from(),
            }
        )

    return c360


@dg.asset_check(
    name=SOURCES_COMPLETE,
    asset=PUBLICATION,
    blocking=True,
    description=(
        "Every source of this run was pulled. If not, the publication holds that source as it was,"
        " says how old it is, and the run counts as failed."
    ),
)
def sources_complete(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """Fail the run for a source that could not be pulled, once everything else is done."""
    missing = unchanged.failed_pulls(context.instance, context.run.run_id)
    told = "; ".join(missing.values())
    return dg.AssetCheckResult(
        passed=not missing,
        description=told or "Every source of this run was pulled.",
        metadata={"not_pulled": ", ".join(sorted(missing)) or "none"},
    )


def _is_withheld(column: Mapping[str, Any]) -> bool:
    meta = {**column.get("meta", {}), **column.get("config", {}).get("meta", {})}
    return bool(meta.get("pii")) and not meta.get("published")


def _marts() -> list[dict[str, Any]]:
    manifest = json.loads(environment.manifest().read_text())
    return [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    ]


def _built_as_of() -> datetime:
    """The "now" that the marts were built with; marts hold UTC without saying so."""
    with duckdb.connect(environment.warehouse(), read_only=True) as warehouse:
        (built,) = warehouse.sql("select max(as_of) from marts.customer_360").fetchall()[0]
    return built.replace(tzinfo=UTC) if built else environment.as_of()
