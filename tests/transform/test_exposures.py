"""Who reads what: every mart has a reader, and readers read marts alone."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from page.expected import EXPECTED

from .raw import TRANSFORM

MODELS = TRANSFORM / "models"
(FILE,) = MODELS.glob("exposures*.yml")
EXPOSURES: dict[str, dict[str, Any]] = {
    entry["name"]: entry for entry in yaml.safe_load(FILE.read_text())["exposures"]
}
MARTS = {path.stem for path in (MODELS / "marts").rglob("*.sql")}
METRICS = {
    metric["name"]
    for path in (MODELS / "semantic").glob("*.yml")
    for metric in yaml.safe_load(path.read_text())["metrics"]
}


def named(exposure: str, kind: str) -> set[str]:
    """What an exposure depends on: `ref` for models, `metric` for metrics."""
    found = (re.fullmatch(rf"{kind}\('(\w+)'\)", one) for one in EXPOSURES[exposure]["depends_on"])
    return {match[1] for match in found if match}


def test_every_published_mart_has_a_reader() -> None:
    assert {mart for exposure in EXPOSURES for mart in named(exposure, "ref")} == MARTS
    assert named("published_files", "ref") == MARTS


@pytest.mark.parametrize("exposure", EXPOSURES)
def test_an_exposure_says_whose_it_is_how_ripe_and_where_and_rests_on_marts_and_metrics_alone(
    exposure: str,
) -> None:
    entry = EXPOSURES[exposure]
    assert entry["owner"]["name"] in {"data-platform", "customer-success"}
    assert entry["maturity"] in {"high", "medium", "low"}
    assert entry["url"].startswith(("http://", "https://"))
    assert entry["label"]
    assert entry["description"]
    marts, metrics = named(exposure, "ref"), named(exposure, "metric")
    assert len(marts) + len(metrics) == len(set(entry["depends_on"])) > 0
    assert marts <= MARTS
    assert metrics <= METRICS


def test_the_page_reads_nothing_that_its_exposure_does_not_name() -> None:
    assert set(EXPECTED) <= named("customer_page", "ref")


def test_the_superset_dashboard_reads_the_marts_that_its_exposure_names() -> None:
    files = (TRANSFORM.parent / "docs" / "bi" / "superset" / "datasets").rglob("*.yaml")
    # The table publication is made of source_freshness.
    read = {{"publication": "source_freshness"}.get(path.stem, path.stem) for path in files}
    assert read == named("superset_dashboard", "ref")


def test_every_metric_can_be_asked_for() -> None:
    assert named("metrics_by_name", "metric") == METRICS
