"""One warehouse for all health tests."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.transform.conftest import BuildWarehouse

from .customers import AS_OF, everyone


@pytest.fixture(scope="package")
def warehouse(
    tmp_path_factory: pytest.TempPathFactory, build_warehouse: BuildWarehouse
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connection to the marts of the customers, built with the tests of the models."""
    con = build_warehouse(
        tmp_path_factory.mktemp("health"),
        everyone(),
        as_of=AS_OF.isoformat(),
        select="+customer_360 +health_score_drivers +health_bands_now",
    )
    yield con
    con.close()
