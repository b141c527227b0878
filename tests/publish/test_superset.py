"""The Superset files ask for nothing that a publication does not have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from publish.publication import publish
from publish.reader import READER_CONFIG
from tests.transform.contracts import create_marts, withheld

FILES = Path(__file__).resolve().parents[2] / "docs" / "bi" / "superset"


def read(kind: str) -> dict[str, dict[str, Any]]:
    """File name -> content of every file of this kind."""
    return {path.stem: yaml.safe_load(path.read_text()) for path in (FILES / kind).rglob("*.yaml")}


(DATABASE,) = read("databases").values()
DATASETS, CHARTS = read("datasets"), read("charts")
(DASHBOARD,) = read("dashboards").values()
OPENED_WITH = DATABASE["extra"]["engine_params"]["connect_args"]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A publication of the marts behind the datasets, empty, opened as Superset opens it."""
    folder = tmp_path_factory.mktemp("superset")
    marts = {*DATASETS, "source_freshness"} - {"publication"}
    with duckdb.connect(str(folder / "warehouse.duckdb")) as warehouse:
        create_marts(warehouse, marts)
    publish(
        folder / "warehouse.duckdb",
        folder / "published",
        run_id="run-1",
        as_of=datetime(2026, 3, 10, 12, tzinfo=UTC),
        withheld={mart: withheld(mart) for mart in marts},
    )
    with duckdb.connect(str(folder / "published" / "c360.duckdb"), **OPENED_WITH) as connection:
        yield connection


def test_superset_opens_the_publication_as_hard_as_every_reader() -> None:
    assert OPENED_WITH == {"read_only": True, "config": READER_CONFIG}
    assert DATABASE["sqlalchemy_uri"].startswith("duckdb:////")
    for may in ("allow_dml", "allow_ctas", "allow_cvas", "allow_csv_upload", "allow_run_async"):
        assert DATABASE[may] is False


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_has_columns_and_types_of_what_is_published(
    name: str, published: duckdb.DuckDBPyConnection
) -> None:
    dataset = DATASETS[name]
    there = dict(
        published.execute(
            "select column_name, data_type from duckdb_columns() where table_name = ?", [name]
        ).fetchall()
    )
    said = {column["column_name"]: column["type"] for column in dataset["columns"]}
    assert said == {column: there.get(column) for column in said}
    assert (dataset["schema"], dataset["table_name"]) == ("marts", name)
    # The catalog is named after a file that is another one with every publication.
    assert dataset["catalog"] is None
    assert dataset["database_uuid"] == DATABASE["uuid"]


@pytest.mark.parametrize("name", DATASETS)
def test_the_metrics_of_a_dataset_are_sql_over_its_columns(
    name: str, published: duckdb.DuckDBPyConnection
) -> None:
    for metric in DATASETS[name]["metrics"]:
        answer = published.execute(f"select {metric['expression']} from marts.{name}")
        assert len(answer.fetchall()) == 1


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_shows_columns_and_metrics_of_its_dataset(name: str) -> None:
    chart = CHARTS[name]
    (dataset,) = (one for one in DATASETS.values() if one["uuid"] == chart["dataset_uuid"])
    asked = chart["params"]
    metrics = {asked["metric"]} if "metric" in asked else set(asked.get("metrics", ()))
    columns = {*asked.get("groupby", ()), *asked.get("all_columns", ())}
    columns |= {asked["x_axis"]} if "x_axis" in asked else set()
    columns |= {condition["subject"] for condition in asked["adhoc_filters"]}
    columns |= {json.loads(order)[0] for order in asked.get("order_by_cols", ())}
    assert metrics | columns
    assert metrics <= {metric["metric_name"] for metric in dataset["metrics"]}
    assert columns <= {column["column_name"] for column in dataset["columns"]}
    assert asked["viz_type"] == chart["viz_type"]


def test_the_dashboard_shows_every_chart_once_in_rows_of_twelve() -> None:
    parts = {key: part for key, part in DASHBOARD["position"].items() if isinstance(part, dict)}
    shown = [part["meta"]["uuid"] for part in parts.values() if part["type"] == "CHART"]
    assert sorted(shown) == sorted(chart["uuid"] for chart in CHARTS.values())
    for part in parts.values():
        assert set(part.get("children", ())) <= set(parts)
        if part["type"] == "ROW":
            assert sum(parts[child]["meta"]["width"] for child in part["children"]) <= 12


def test_every_package_of_its_environment_is_pinned() -> None:
    lines = (FILES / "requirements.txt").read_text().splitlines()
    packages = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert packages["apache-superset"].startswith("6.1.")
    assert packages["duckdb"].startswith("2.0.")
