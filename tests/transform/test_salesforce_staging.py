"""What Salesforce's records become: merges, sales, and which activities were contact."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from .conftest import BuildWarehouse

AS_OF = "2026-11-01T00:00:00Z"
ENTITIES = "accounts account_merges contacts owners opportunities activities freshness"
SELECT = " ".join(f"stg_salesforce__{name}" for name in ENTITIES.split())


def activity(number: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "account_id": "001a", "owner_id": "005a", "is_deleted": False} | more


def call(number: str, **more: Any) -> dict[str, Any]:
    return activity(number, task_subtype="Call", is_closed=True, status="Completed") | more


RAW: dict[str, dict[str, list[dict[str, Any]]]] = {
    "salesforce": {
        "accounts": [
            {"id": "001a", "name": " Acme ", "website": "https://www.acme.test/de?x=1",
             "industry": "", "number_of_employees": 120.0, "billing_country": "England",
             "owner_id": "005a", "parent_id": "001p", "is_deleted": False,
             "product_account_id": "acme-1", "billing_customer_id": "cus_1",
             "created_date": "2026-01-05T10:00:00Z", "system_modstamp": "2026-10-31T00:00:00Z"},
            {"id": "001b", "is_deleted": True, "master_record_id": "001a"},
            {"id": "001c", "is_deleted": True, "master_record_id": "001b"},
            {"id": "001d", "master_record_id": "001d"},
            {"id": "001e", "number_of_employees": 1e300, "system_modstamp": "2099-01-01"},
        ],
        "contacts": [
            {"id": "003a", "account_id": "001a", "email": " Jo.D+x@Mail.Acme.TEST ",
             "first_name": "Jo", "last_name": "D", "is_deleted": False},
            {"id": "003b", "account_id": "001a", "master_record_id": "003a", "is_deleted": None},
        ],
        "users": [
            {"id": "005a", "name": "Uma Vogel", "email": "UMA@vendor.test", "is_active": True},
            {"id": "005b", "name": " ", "is_active": False},
        ],
        "opportunities": [
            {"id": "006a", "account_id": "001a", "name": "First", "amount": 1234.56,
             "currency_iso_code": "eur", "stage_name": "Signed!", "is_closed": True,
             "is_won": True, "type": "New Customer", "close_date": "2026-03-31",
             "owner_id": "005a", "created_date": "2026-01-06T10:00:00Z"},
            {"id": "006b", "type": "Existing Customer - Upgrade", "is_deleted": True},
            {"id": "006c", "account_id": "001e", "type": "Pilot", "amount": 1e30},
        ],
        "events": [
            activity("00Ua", start_date_time="2026-10-01T10:00:00+02:00", subject="<b>QBR</b>"),
            activity("00Ub", activity_date="2026-10-02", is_all_day_event=True),
            activity("00Uc", start_date_time="2026-10-03T10:00:00Z", is_deleted=True),
            activity("00Ud", start_date_time="2026-10-04T10:00:00Z", is_child=True),
            activity("00Ue", start_date_time="2026-10-05T10:00:00Z", is_recurrence=True),
        ],
        "tasks": [
            call("00Ta", call_duration_in_seconds=300, call_disposition="Connected",
                 completed_date_time="2026-10-06T10:00:00Z", activity_date="2026-10-05"),
            call("00Tb", call_duration_in_seconds=0, activity_date="2026-10-07"),
            call("00Tc", activity_date="2026-10-08"),
            call("00Td", is_closed=False, call_duration_in_seconds=300),
            activity("00Te", task_subtype="Email", is_closed=True, activity_date="2026-10-09"),
            activity("00Tf", task_subtype="Task", type="Demo", status="Not Started"),
            activity("00Tg", is_recurrence=True),
            activity("00Th", account_id=None, what_id="006c"),
            activity("00Ti", account_id=None, what_id="001d", who_id="003a"),
            activity("00Tj", account_id=None, who_id="003a"),
            activity("00Tk", account_id=None, who_id="00Qlead"),
        ],
        "pulls": [
            {"pull_id": "1", "pulled_through": "2026-10-31T18:00:00Z"},
            {"pull_id": "2", "pulled_through": "2026-11-01T00:00:01Z"},
        ],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(
    tmp_path_factory: pytest.TempPathFactory, build_warehouse: BuildWarehouse
) -> Iterator[duckdb.DuckDBPyConnection]:
    con = build_warehouse(
        tmp_path_factory.mktemp("salesforce"),
        RAW,
        as_of=AS_OF,
        select=SELECT,
        sources=["salesforce"],
    )
    yield con
    con.close()


def read(con: duckdb.DuckDBPyConnection, entity: str, columns: str) -> dict[str, tuple[Any, ...]]:
    found = con.execute(f"select source_id, {columns} from staging.stg_salesforce__{entity}")
    rows = found.fetchall()
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1:] for row in rows}


def test_an_account_carries_the_ids_it_has_in_product_and_billing(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    accounts = read(
        warehouse,
        "accounts",
        "source, kind, name, domain, website, industry, employee_count, country, owner_source_id,"
        " parent_source_id, crm_id, product_id, billing_id, created_at::varchar,"
        " updated_at::varchar, is_deleted",
    )
    assert accounts["001a"] == (
        "salesforce", "crm", "Acme", None, "https://www.acme.test/de?x=1", None, 120, "England",
        "005a", "001p", None, "acme-1", "cus_1", "2026-01-05 10:00:00", "2026-10-31 00:00:00",
        False,
    )  # fmt: skip
    assert accounts["001b"][-1] is True
    assert accounts["001e"][6] is None


def test_each_merged_account_points_to_the_one_it_became_and_none_to_itself(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    merges = warehouse.execute(
        "select source, merged_source_id, survivor_source_id"
        " from staging.stg_salesforce__account_merges order by all"
    ).fetchall()
    assert merges == [("salesforce", "001b", "001a"), ("salesforce", "001c", "001b")]


def test_a_contact_has_a_clean_address_and_a_merged_one_is_gone(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    columns = "email, email_domain, first_name, account_source_id, is_deleted"
    assert read(warehouse, "contacts", columns) == {
        "003a": ("jo.d+x@mail.acme.test", "mail.acme.test", "Jo", "001a", False),
        "003b": (None, None, None, "001a", True),
    }


def test_owners_are_users_also_those_who_left(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert read(warehouse, "owners", "name, email, is_active") == {
        "005a": ("Uma Vogel", "uma@vendor.test", True),
        "005b": (None, None, False),
    }


def test_an_opportunity_is_won_by_its_flag_and_its_type_speaks_one_language(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert read(
        warehouse,
        "opportunities",
        "account_source_id, amount, currency, stage, is_closed, is_won, type, closed_on::varchar,"
        " is_deleted",
    ) == {
        "006a": ("001a", Decimal("1234.56"), "EUR", "Signed!", True, True, "new_business",
                 "2026-03-31", False),
        "006b": (None, None, None, None, False, False, "existing_business", None, True),
        "006c": ("001e", None, None, None, False, False, "pilot", None, False),
    }  # fmt: skip


def test_an_appointment_that_stands_was_held_and_copies_and_patterns_do_not_count(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    found = read(warehouse, "activities", "type, occurred_at::varchar, is_two_way, is_deleted")
    appointments = {key: row for key, row in found.items() if key.startswith("00U")}
    assert appointments == {
        "00Ua": ("meeting", "2026-10-01 08:00:00", True, False),
        "00Ub": ("meeting", "2026-10-02 00:00:00", True, False),
        "00Uc": ("meeting", "2026-10-03 10:00:00", True, True),
    }


def test_a_call_is_contact_when_somebody_talked_and_unknown_when_nobody_noted_it(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    found = read(warehouse, "activities", "type, occurred_at::varchar, outcome, is_two_way")
    assert {key: found[key] for key in ("00Ta", "00Tb", "00Tc", "00Td", "00Te", "00Tf")} == {
        "00Ta": ("call", "2026-10-06 10:00:00", "connected", True),
        "00Tb": ("call", "2026-10-07 00:00:00", "completed", False),
        "00Tc": ("call", "2026-10-08 00:00:00", "completed", None),
        "00Td": ("call", None, "completed", False),
        "00Te": ("email", "2026-10-09 00:00:00", None, False),
        "00Tf": ("demo", None, "not started", False),
    }
    assert "00Tg" not in found


def test_an_activity_without_an_account_takes_that_of_what_or_whom_it_is_about(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    accounts = read(warehouse, "activities", "account_source_id")
    assert {key: accounts[key][0] for key in ("00Ta", "00Th", "00Ti", "00Tj", "00Tk")} == {
        "00Ta": "001a",
        "00Th": "001e",
        "00Ti": "001d",
        "00Tj": "001a",
        "00Tk": None,
    }


def test_the_future_makes_the_source_no_fresher(warehouse: duckdb.DuckDBPyConnection) -> None:
    ages = warehouse.execute(
        "select source, kind, newest_record_at::varchar, pulled_at::varchar"
        " from staging.stg_salesforce__freshness"
    ).fetchall()
    assert ages == [("salesforce", "crm", "2026-10-31 00:00:00", "2026-10-31 18:00:00")]
