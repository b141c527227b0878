"""One warehouse for all health tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from tests.transform.raw import write_raw
from tests.transform.warehouse import Dbt, connect

from .customers import AS_OF
from .four_weeks_ago import plant
from .heard import everybody

MARTS = (
    "+customer_360 +health_score_drivers +health_bands_now +health_measures_daily"
    " +account_subscriptions +account_timeline"
    " +health_score_changes +health_late_data +health_version_moves +account_families"
)
THREE = ("hubspot", "stripe", "mixpanel")
ALL = (*THREE, "zendesk", "delighted", "files")
# Once more the models of health, with their tests: a unit test comes with its model or not at all.
TESTED = (
    "path:models/intermediate/health path:models/marts/health customer_360 path:seeds/health"
    " path:tests"
)
WEEK_AGO = AS_OF - timedelta(days=7)
# The models that make scores of stored measures, and nothing else.
RESCORED = (
    "int_health_inputs+,+customer_health_history int_health_subjects+,+customer_health_history"
    " health_version_moves"
)


def rescore(dbt: Dbt, data_dir: Path, version: str, first: str, last: str) -> None:
    """Score stored days again under a version, as `make rescore` does."""
    asked = {"rescore_version": version, "rescore_from": first, "rescore_to": last}
    dbt.build(
        data_dir,
        as_of=AS_OF.isoformat(),
        sources=ALL,
        select=RESCORED,
        variables=asked,
        parsed_as=dict.fromkeys(asked, "2026-01-01"),
        data_tests=False,
    )


@pytest.fixture(scope="package")
def built(tmp_path_factory: pytest.TempPathFactory, dbt: Dbt) -> Path:
    """Data directory of the customers, as everything is known at AS_OF.

    A week before, three vendors were connected, and of some customers the day four weeks before
    is stored. The day of AS_OF was scored under v1 as well.
    """
    data_dir = tmp_path_factory.mktemp("health")
    write_raw(data_dir, everybody())
    dbt.build(
        data_dir,
        as_of=WEEK_AGO.isoformat(),
        sources=THREE,
        parsed_with=ALL,
        select="+health_measures_daily +customer_health_history",
        data_tests=False,
    )
    plant(data_dir)
    now = {"sources": ALL, "as_of": AS_OF.isoformat()}
    dbt.build(data_dir, select=MARTS, data_tests=False, **now)
    dbt.build(data_dir, select=TESTED, **now)
    day = AS_OF.date().isoformat()
    rescore(dbt, data_dir, "v1", day, day)
    return data_dir


@pytest.fixture(scope="package")
def warehouse(built: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connection to it."""
    with connect(built) as con:
        yield con
