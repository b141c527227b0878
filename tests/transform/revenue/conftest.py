"""One warehouse for all hand-written subscriptions and invoices."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.transform.conftest import BuildWarehouse

from .cases import AS_OF, hand_written
from .owners import DECISIONS, SOURCES, add_owned, companies
from .past import add_past


@pytest.fixture(scope="package")
def warehouse(
    tmp_path_factory: pytest.TempPathFactory, build_warehouse: BuildWarehouse
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connection to the marts of every case, built with the tests of the models, as of AS_OF."""
    billing, _ = hand_written()
    add_past(billing)
    add_owned(billing)
    con = build_warehouse(
        tmp_path_factory.mktemp("revenue"),
        {
            "hubspot": {"companies": companies()},
            "stripe": billing.tables,
            "files": {"identity_overrides": DECISIONS},
        },
        as_of=AS_OF,
        sources=SOURCES,
        select="+path:models/marts/revenue path:tests/revenue",
    )
    yield con
    con.close()
