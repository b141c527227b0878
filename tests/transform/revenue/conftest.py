"""One warehouse for all hand-written subscriptions and invoices."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.transform.conftest import BuildWarehouse

from .cases import AS_OF, hand_written
from .past import add_past


@pytest.fixture(scope="package")
def warehouse(
    tmp_path_factory: pytest.TempPathFactory, build_warehouse: BuildWarehouse
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connection to the marts of every case, built with the tests of the models, as of AS_OF."""
    billing, _ = hand_written()
    add_past(billing)
    con = build_warehouse(
        tmp_path_factory.mktemp("revenue"),
        {"stripe": billing.tables},
        as_of=AS_OF,
        select="+mrr_monthly +revenue_exceptions +mrr_movements +cohort_retention +renewals"
        " +kpi_monthly the_items_of_an_account_sum_to_its_mrr"
        " movements_explain_every_change_of_mrr net_retention_is_never_below_gross_retention",
    )
    yield con
    con.close()
