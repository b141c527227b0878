"""The project builds whatever is missing: no rows yet, any source off, all of them off."""

from __future__ import annotations

from pathlib import Path

import pytest

from .raw import write_raw
from .warehouse import Dbt, connect

SOURCES = ("hubspot", "stripe", "mixpanel")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw files of three sources that know one customer."""
    path = tmp_path_factory.mktemp("missing")
    write_raw(
        path,
        {
            "hubspot": {
                "companies": [
                    {"id": "1", "created_at": "2026-01-01", "updated_at": "2026-10-31",
                     "properties__product_account_id": "p1"},
                ],
            },
            "stripe": {
                "customers": [
                    {"id": "cus_1", "created": "2026-01-01", "metadata__product_account_id": "p1"},
                ],
                "subscriptions": [
                    {"id": "sub_1", "customer": "cus_1", "status": "active", "currency": "usd",
                     "created": "2026-01-01", "start_date": "2026-01-01"},
                ],
            },
            "mixpanel": {
                "events": [
                    {"event": "report_viewed", "time": "2026-10-31T10:00:00Z", "user_id": "u1",
                     "distinct_id": "u1", "insert_id": "1", "group_key": "p1"},
                ],
            },
        },
    )  # fmt: skip
    return path


def test_it_builds_before_any_source_has_a_row(dbt: Dbt, tmp_path: Path) -> None:
    write_raw(tmp_path, {})
    dbt.build(tmp_path, empty=True, data_tests=False)
    dbt.build(tmp_path)
    with connect(tmp_path) as con:
        assert con.execute("select count(*) from marts.identity_map").fetchone() == (0,)
        assert con.execute(
            "select source, kind, data_age_hours from marts.source_freshness order by source"
        ).fetchall() == [
            ("hubspot", "crm", None),
            ("mixpanel", "product", None),
            ("stripe", "billing", None),
        ]


@pytest.mark.parametrize(
    ("off", "account"),
    [("hubspot", "stripe:cus_1"), ("stripe", "hubspot:1"), ("mixpanel", "hubspot:1")],
)
def test_it_builds_with_one_source_off_and_the_others_still_find_each_other(
    dbt: Dbt, data_dir: Path, off: str, account: str
) -> None:
    on = [source for source in SOURCES if source != off]
    # A warehouse that has known the source before: its rows must go with it.
    dbt.build(data_dir, sources=on, data_tests=False)
    with connect(data_dir) as con:
        accounts = con.execute("select source, account_id from marts.identity_map"
                               " where entity = 'account'").fetchall()  # fmt: skip
        assert sorted(accounts) == sorted((source, account) for source in on)
        ages = con.execute("select source from marts.source_freshness").fetchall()
        assert sorted(ages) == sorted((source,) for source in on)


def test_it_builds_with_every_source_off(dbt: Dbt, tmp_path: Path) -> None:
    dbt.build(tmp_path, sources=[], data_tests=False)
    with connect(tmp_path) as con:
        assert con.execute("select count(*) from marts.source_freshness").fetchone() == (0,)
