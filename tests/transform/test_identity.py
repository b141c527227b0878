"""Which account each record belongs to, by which rule, and what is left for people to decide."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from .conftest import BuildWarehouse
from .raw import RawData, write_raw
from .warehouse import Dbt, connect

AS_OF = "2026-11-01T00:00:00Z"


def company(number: str, domain: str | None = None, **more: Any) -> dict[str, Any]:
    record = {"id": number, "archived": False, "created_at": "2025-01-01T00:00:00Z"}
    record |= {"updated_at": record["created_at"], "properties__name": f"Company {number}"}
    return record | {"properties__domain": domain} | more


def customer(number: str, email: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": number, "email": email, "created": "2025-02-01", "name": f"Payer {number}"} | more


def paying(customer_id: str) -> dict[str, Any]:
    return {
        "id": f"sub_{customer_id}",
        "customer": customer_id,
        "status": "active",
        "created": "2025-02-01",
        "start_date": "2025-02-01",
        "currency": "usd",
    }


def user(key: str, account: str | None, email: str | None) -> dict[str, Any]:
    return {
        "distinct_id": key,
        "group_key": account,
        "email": email,
        "created_at": "2025-03-01T00:00:00Z",
    }


def used(account: str) -> dict[str, Any]:
    return {
        "event": "report_viewed",
        "time": "2026-10-30T10:00:00Z",
        "distinct_id": f"user-of-{account}",
        "user_id": f"user-of-{account}",
        "insert_id": f"event-of-{account}",
        "processed_at": "2026-10-30T10:00:01Z",
        "group_key": account,
        "properties": {},
    }


MERGED = "properties__hs_merged_object_ids"
COMPANY = "properties__associatedcompanyid"
EMAIL = "properties__email"
PRODUCT = "properties__product_account_id"
BOTH = "hubspot:1301, hubspot:1302"
CRM_ID = "metadata__hubspot_company_id"
PRODUCT_ID = "metadata__product_account_id"

CREATED_LATER = {"properties__createdate": "2026-11-02T00:00:00Z"}

RAW: dict[str, dict[str, list[dict[str, Any]]]] = {
    "hubspot": {
        "companies": [
            company("101", "one.test"),
            company("102", "two.test"),
            company("201", "merged.test", **{MERGED: "201;202"}),
            company("202", "merged.test", archived=True),
            company("303", "chain.test", **{MERGED: "302"}),
            company("302", "chain.test", archived=True, **{MERGED: "301"}),
            company("401", "shared.test"),
            company("402", "www.shared.test"),
            company("501", "gmail.com"),
            company("601", " HTTPS://www.Acme-Six.test:443/contact?x=1 "),
            company("701", "seven.test", archived=True),
            company("702", None, properties__website="http://seven.test/"),
            company("801", None, **{PRODUCT: " P8 "}),
            company("1001", "ten.test"),
            company("1301", "thirteen.test", **{PRODUCT: "p13"}),
            company("1302", None, **{PRODUCT: "p13"}),
            company("1401", None, **{MERGED: "1402"}),
            company("1402", None, **{MERGED: "1401"}),
            company("1801", "future.test", **CREATED_LATER, **{MERGED: "102"}),
        ],
        "contacts": [
            {"id": "c1", EMAIL: "a@one.test", COMPANY: "101"},
            {"id": "c2", EMAIL: "someone@gmail.com"},
            {"id": "c3", EMAIL: "b@merged.test"},
            {"id": "c4", EMAIL: "x@one.test", COMPANY: "9"},
        ],
        "assoc_company_contact": [
            {"from_id": "202", "to_id": "c3", "type_id": "280", "label": None},
        ],
    },
    "stripe": {
        "customers": [
            customer("cus_1", "billing@two.test", **{CRM_ID: "101"}),
            customer("cus_2", **{CRM_ID: "202"}),
            customer("cus_3", **{CRM_ID: "301"}),
            customer("cus_4", "pay@shared.test"),
            customer("cus_5", "jane.doe@gmail.com", name="Jane Doe"),
            customer("cus_6", "pay@acme-six.test"),
            customer("cus_7", "pay@seven.test"),
            customer("cus_9", "pay@nine.test", **{PRODUCT_ID: "p9"}),
            customer("cus_11a", "pay@eleven-a.test", **{PRODUCT_ID: "p11"}),
            customer("cus_11b", "pay@eleven-b.test", **{PRODUCT_ID: "p11"}),
            customer("cus_12", "pay@one.test", **{CRM_ID: "999999"}),
            customer("cus_13", "pay@thirteen.test", **{PRODUCT_ID: "p13"}),
            customer("cus_15", None),
            customer("cus_18", "pay@future.test"),
        ],
        # Two seats at 50 euros a month, 1.15 dollars each by the seed.
        "prices": [
            {
                "id": "price_1",
                "currency": "eur",
                "billing_scheme": "per_unit",
                "unit_amount": 5000,
                "recurring__interval": "month",
                "recurring__interval_count": 1,
                "recurring__usage_type": "licensed",
            },
        ],
        "subscription_items": [
            {
                "id": "si_cus_4",
                "subscription": "sub_cus_4",
                "price": "price_1",
                "quantity": 2,
                "created": "2025-02-01",
            },
        ],
        "subscriptions": [
            paying(f"cus_{n}") for n in (1, 2, 3, 4, 6, 7, 9, "11a", "11b", 12, 13, 18)
        ],
    },
    "mixpanel": {
        "profiles": [
            user("u10a", "p10", "a@ten.test"),
            user("u10b", "p10", "B@Ten.test"),
            user("u10c", "p10", "guest@gmail.com"),
            user("u10d", "p10", "guest@two.test"),
            user("u16a", "p16", "z@one.test"),
            user("u16b", "p16", "z@two.test"),
            user("u17", "p17", "someone@yahoo.co.jp"),
            user("u-none", None, "x@one.test"),
        ],
        "events": [used(key) for key in ("p8", "p9", "p10", "p11", "p13", "p16")],
    },
}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("identity")


@pytest.fixture(scope="module")
def warehouse(
    data_dir: Path, build_warehouse: BuildWarehouse
) -> Iterator[duckdb.DuckDBPyConnection]:
    con = build_warehouse(
        data_dir, RAW, as_of=AS_OF, select="+identity_map +unmatched_records +int_account_master"
    )
    yield con
    con.close()


@pytest.mark.parametrize(
    ("record", "account", "rule"),
    [
        pytest.param("hubspot:101", "hubspot:101", "crm_record", id="a CRM company is an account"),
        pytest.param("hubspot:102", "hubspot:102", "crm_record", id="merged only after as_of"),
        pytest.param("stripe:cus_1", "hubspot:101", "explicit_crm_id", id="explicit beats domain"),
        pytest.param("hubspot:201", "hubspot:201", "crm_record", id="survivor lists itself"),
        pytest.param("hubspot:202", "hubspot:201", "vendor_merge", id="loser is the survivor's"),
        pytest.param("stripe:cus_2", "hubspot:201", "explicit_crm_id", id="id of a merged company"),
        pytest.param("hubspot:301", "hubspot:303", "vendor_merge", id="chain, record gone"),
        pytest.param("hubspot:302", "hubspot:303", "vendor_merge", id="chain, archived"),
        pytest.param("stripe:cus_3", "hubspot:303", "explicit_crm_id", id="id before two merges"),
        pytest.param("stripe:cus_4", "stripe:cus_4", "own_record", id="shared domain, own account"),
        pytest.param("stripe:cus_6", "hubspot:601", "company_domain", id="domain is normalised"),
        pytest.param("stripe:cus_7", "hubspot:702", "company_domain", id="deleted do not compete"),
        pytest.param("mixpanel:p8", "hubspot:801", "explicit_product_id", id="id in any case"),
        pytest.param("stripe:cus_9", "stripe:cus_9", "own_record", id="payer without company"),
        pytest.param("mixpanel:p9", "stripe:cus_9", "product_id_in_billing", id="through billing"),
        pytest.param("mixpanel:p10", "hubspot:1001", "company_domain", id="domain of most users"),
        pytest.param("stripe:cus_11a", "stripe:cus_11a", "own_record", id="anchor of two payers"),
        pytest.param("stripe:cus_11b", "stripe:cus_11a", "own_record", id="payers of one product"),
        pytest.param("mixpanel:p11", "stripe:cus_11a", "product_id_in_billing", id="their product"),
        pytest.param("stripe:cus_12", "hubspot:101", "company_domain", id="dangling id"),
        pytest.param(
            "stripe:cus_13", "hubspot:1301", "company_domain", id="domain tells two apart"
        ),
        pytest.param("mixpanel:p13", "mixpanel:p13", "own_record", id="id of two companies"),
        pytest.param("hubspot:1401", "hubspot:1401", "crm_record", id="merged in a circle, one"),
        pytest.param("hubspot:1402", "hubspot:1402", "crm_record", id="merged in a circle, other"),
        pytest.param("mixpanel:p16", "mixpanel:p16", "own_record", id="users of two companies"),
        pytest.param("stripe:cus_18", "stripe:cus_18", "own_record", id="company made after as_of"),
    ],
)
def test_each_account_record_finds_its_account_by_the_best_rule(
    warehouse: duckdb.DuckDBPyConnection, record: str, account: str, rule: str
) -> None:
    found = warehouse.execute(
        "select account_id, rule from marts.identity_map"
        " where source || ':' || source_id = ? and entity = 'account'",
        [record],
    ).fetchall()
    assert found == [(account, rule)]


@pytest.mark.parametrize(
    ("record", "reason", "candidates", "own_account", "name"),
    [
        ("stripe:cus_4", "ambiguous", "hubspot:401, hubspot:402", "stripe:cus_4", "Payer cus_4"),
        ("stripe:cus_5", "free_mail", None, None, None),
        ("stripe:cus_9", "no_match", None, "stripe:cus_9", "Payer cus_9"),
        ("stripe:cus_15", "no_key", None, None, "Payer cus_15"),
        ("mixpanel:p13", "ambiguous", BOTH, "mixpanel:p13", None),
        ("mixpanel:p16", "no_key", None, "mixpanel:p16", None),
        ("mixpanel:p17", "no_key", None, None, None),
        ("hubspot:c2", "free_mail", None, None, None),
        ("mixpanel:u-none", "no_key", None, None, None),
    ],
)
def test_what_cannot_be_matched_says_why_and_what_it_could_be(
    warehouse: duckdb.DuckDBPyConnection,
    record: str,
    reason: str,
    candidates: str | None,
    own_account: str | None,
    name: str | None,
) -> None:
    found = warehouse.execute(
        "select reason, candidates, own_account_id, display_name from marts.unmatched_records"
        " where source || ':' || source_id = ?",
        [record],
    ).fetchall()
    assert found == [(reason, candidates, own_account, name)]


def test_unmatched_records_show_what_is_at_stake(warehouse: duckdb.DuckDBPyConnection) -> None:
    stakes = warehouse.execute(
        "select source_id, mrr_at_stake, events_28d_at_stake from marts.unmatched_records"
        " where source_id in ('cus_4', 'cus_15', 'p16', 'p17') order by source_id"
    ).fetchall()
    assert stakes == [
        ("cus_15", None, None),
        ("cus_4", Decimal(115), None),
        ("p16", None, 1),
        ("p17", None, None),
    ]


def test_a_matched_record_is_not_listed_as_unmatched(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    listed = {
        f"{source}:{number}"
        for source, number in warehouse.execute(
            "select source, source_id from marts.unmatched_records where entity = 'account'"
        ).fetchall()
    }
    assert listed == {
        "stripe:cus_4", "stripe:cus_5", "stripe:cus_9", "stripe:cus_11a", "stripe:cus_11b",
        "stripe:cus_15", "stripe:cus_18", "mixpanel:p13", "mixpanel:p16",
        "mixpanel:p17",
    }  # fmt: skip


def test_people_follow_their_company_and_merged_companies_too(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    people = warehouse.execute(
        "select entity, source_id, account_id from marts.identity_map"
        " where entity <> 'account' and source_id in ('c1', 'c3', 'u10c', 'user-of-p8')"
        " order by source_id"
    ).fetchall()
    assert people == [
        ("contact", "c1", "hubspot:101"),
        ("contact", "c3", "hubspot:201"),
        ("user", "u10c", "hubspot:1001"),
        ("user", "user-of-p8", "hubspot:801"),
    ]


def test_every_account_is_described_once_by_its_best_record(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    described = warehouse.execute(
        "select account_id, name, domain, has_crm, has_billing, has_product"
        " from intermediate.int_account_master"
        " where account_id in ('hubspot:501', 'hubspot:601', 'hubspot:1001', 'stripe:cus_9')"
        " order by account_id"
    ).fetchall()
    assert described == [
        ("hubspot:1001", "Company 1001", "ten.test", True, False, True),
        ("hubspot:501", "Company 501", None, True, False, False),
        ("hubspot:601", "Company 601", "acme-six.test", True, True, False),
        ("stripe:cus_9", "Payer cus_9", "nine.test", False, True, True),
    ]


def test_links_do_not_depend_on_the_order_of_rows(
    warehouse: duckdb.DuckDBPyConnection,
    data_dir: Path,
    dbt: Dbt,
    tmp_path: Path,
) -> None:
    query = "select * from intermediate.int_account_links order by source, source_id"
    backwards: RawData = {
        source: {table: rows[::-1] for table, rows in tables.items()}
        for source, tables in RAW.items()
    }
    write_raw(tmp_path, backwards)
    dbt.build(tmp_path, as_of=AS_OF, select="+int_account_links")
    with connect(tmp_path) as other:
        assert other.execute(query).fetchall() == warehouse.execute(query).fetchall()
