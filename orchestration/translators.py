"""How raw tables and dbt models appear in Dagster: key, group, kinds, description.

The groups sort in the order of the data's path, because the UI lists them alphabetically.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from orchestration import environment

PATH = {"seeds": "b_seeds", "snapshots": "d_snapshots"}
LAYERS = {"staging": "c_staging", "intermediate": "d_intermediate", "marts": "e_marts"}


def raw_key(source: str, table: str) -> dg.AssetKey:
    """Key of a raw table: the same path that dbt's source and the table in the file have."""
    return dg.AssetKey([f"raw_{source}", table])


def raw_spec(source: str, table: str) -> dg.AssetSpec:
    """Spec of one table that a source's pull writes."""
    return dg.AssetSpec(
        raw_key(source, table),
        group_name=f"a_raw_{source}",
        kinds={"dlt", "duckdb", source},
        description=f"`{table}` as {source} sent it, one row per record, newest version.",
    )


class ModelTranslator(DagsterDbtTranslator):
    """dbt nodes under their schema and name, grouped by the folder they lie in."""

    def __init__(self) -> None:
        super().__init__(
            DagsterDbtTranslatorSettings(
                enable_asset_checks=True,
                # True would exempt raw tables from the blocking contracts that guard dbt's step.
                enable_source_tests_as_checks=False,
            )
        )

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """The default spec with this project's key, group, kinds and a link to its dbt docs."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = manifest["sources"].get(unique_id) or manifest["nodes"][unique_id]
        if node["resource_type"] == "source":
            return spec.replace_attributes(key=raw_key(node["source_name"][4:], node["name"]))
        return spec.replace_attributes(
            key=dg.AssetKey([node["schema"], node["name"]]),
            group_name=_group(node),
            description=f"{node['description']}\n\n[Columns and SQL: dbt docs]({_docs(node)})",
            kinds={"dbt", "duckdb"},
        )


def _docs(node: Mapping[str, Any]) -> str:
    return f"{environment.docs_url()}#!/{node['resource_type']}/{node['unique_id']}"


def _group(node: Mapping[str, Any]) -> str:
    if node["resource_type"] in ("seed", "snapshot"):
        return PATH[node["resource_type"] + "s"]
    layer, area = node["fqn"][1:3]
    return f"{LAYERS[layer]}_{area}"
