"""Who belongs to whom, and which record each attribute of an account was taken from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from .raw import write_raw
from .test_identity import CRM_ID, MERGED, company, customer
from .warehouse import Dbt, connect

SOURCES = ("hubspot", "stripe")


def below(number: str, parent: str | None, **more: Any) -> dict[str, Any]:
    return company(number, f"c{number}.test", properties__hs_parent_company_id=parent, **more)


RAW: dict[str, dict[str, list[dict[str, Any]]]] = {
    "hubspot": {
        "companies": [
            below("1", None, properties__country="Germany", properties__industry="RAIL"),
            below("2", "1"),
            below("3", "2"),
            below("4", "31"),
            below("5", "5"),
            below("6", "99"),
            below("11", "12"),
            below("12", "13"),
            below("13", "11"),
            below("14", "13"),
            below("32", "1", **{MERGED: "31"}),
            company("40", None, properties__name=None),
            company("50", "fifty.test", archived=True, properties__country="Spain"),
            below("51", "1", **{MERGED: "50"}, properties__country=None),
        ],
    },
    "stripe": {
        "customers": [
            customer("cus_1", "x@one.test", address__country="AT", **{CRM_ID: "1"}),
            customer("cus_40", None, name="Only Payer", **{CRM_ID: "40"}),
        ],
    },
}


@pytest.fixture(scope="module")
def built(
    dbt: Dbt, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    path = tmp_path_factory.mktemp("accounts")
    write_raw(path, RAW, sources=SOURCES)
    dbt.build(path, sources=SOURCES, select="+dim_account +account_hierarchy +identity_exceptions")
    con = connect(path)
    yield con
    con.close()


@pytest.mark.parametrize(
    ("account", "parent", "top", "depth"),
    [
        pytest.param("1", None, "1", 0, id="nobody above"),
        pytest.param("2", "1", "1", 1, id="below the top"),
        pytest.param("3", "2", "1", 2, id="two levels below"),
        pytest.param("4", "32", "1", 2, id="a merged parent is its survivor"),
        pytest.param("5", None, "5", 0, id="its own parent"),
        pytest.param("6", None, "6", 0, id="a parent nobody knows"),
        pytest.param("11", None, "11", 0, id="in a circle"),
        pytest.param("14", "13", "13", 1, id="below a circle"),
    ],
)
def test_an_account_has_a_parent_and_a_top(
    built: duckdb.DuckDBPyConnection, account: str, parent: str | None, top: str, depth: int
) -> None:
    found = built.execute(
        "select parent_account_id, ultimate_parent_account_id, depth from marts.account_hierarchy"
        " where account_id = ?",
        [f"hubspot:{account}"],
    ).fetchall()
    assert found == [(parent and f"hubspot:{parent}", f"hubspot:{top}", depth)]


def test_a_circle_of_parents_is_refused_and_reported(built: duckdb.DuckDBPyConnection) -> None:
    refused = built.execute(
        "select account_id, refused_parent_account_id from marts.account_hierarchy"
        " where is_parent_refused order by account_id"
    ).fetchall()
    assert refused == [
        ("hubspot:11", "hubspot:12"), ("hubspot:12", "hubspot:13"), ("hubspot:13", "hubspot:11"),
    ]  # fmt: skip
    assert built.execute(
        "select subject from marts.identity_exceptions where exception = 'circle_of_parents'"
        " order by subject"
    ).fetchall() == [("hubspot:11",), ("hubspot:12",), ("hubspot:13",)]


def test_a_family_counts_everybody_under_one_top(built: duckdb.DuckDBPyConnection) -> None:
    sizes = built.execute(
        "select account_id, children, family_size from marts.account_hierarchy"
        " where account_id in ('hubspot:1', 'hubspot:3', 'hubspot:5') order by account_id"
    ).fetchall()
    # Below 1 stand 2, 3, 4, 32 and 51, three of them directly.
    assert sizes == [("hubspot:1", 3, 6), ("hubspot:3", 0, 6), ("hubspot:5", 0, 1)]


def test_each_attribute_says_where_it_came_from(built: duckdb.DuckDBPyConnection) -> None:
    found = built.execute(
        "select country, country_record, country_reason, industry_record, industry_reason,"
        " employee_count_record, employee_count_reason, records"
        " from marts.dim_account where account_id = 'hubspot:1'"
    ).fetchall()
    assert found == [
        ("Germany", "hubspot:1", "ranked first of 2 records that say it", "hubspot:1",
         "the only record that says it", None, "no record says it", 2),
    ]  # fmt: skip
    fallback = built.execute(
        "select name, name_record, country, country_record from marts.dim_account"
        " where account_id in ('hubspot:40', 'hubspot:51') order by account_id"
    ).fetchall()
    assert fallback == [
        ("Only Payer", "stripe:cus_40", None, None),
        ("Company 51", "hubspot:51", "Spain", "hubspot:50"),
    ]
