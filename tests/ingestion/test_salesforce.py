"""Salesforce: pages and bulk jobs give the same, what is gone is found, logins are renewed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ingestion import pipeline
from ingestion.errors import PullError
from ingestion.reading import Reader
from ingestion.sources import salesforce_api
from ingestion.sources.salesforce_bulk import typed
from ingestion.sources.salesforce_ids import long_id
from ingestion.sources.salesforce_tables import OPPORTUNITIES
from sandbox import Sandbox
from sandbox.vendors.salesforce.ids import record_id
from sandbox.vendors.salesforce.sessions import USERNAME
from tests.ingestion.salesforce_cases import CASES, PUT, Case
from tests.ingestion.support import rows, small_world

TABLES = {
    "Account": "accounts", "Contact": "contacts", "Opportunity": "opportunities",
    "OpportunityLineItem": "opportunity_line_items", "User": "users", "Task": "tasks",
    "Event": "events",
}  # fmt: skip
CUSTOM = {"Account": {"Tier__c": "string", "Score__c": "double", "Vip__c": "boolean"}}
Pulled = dict[str, Any]


def pulled(box: Sandbox, folder: Path) -> Pulled:
    stored = {name: rows("salesforce", name) for name in pipeline.table_names("salesforce")}
    return {"box": box, "folder": folder, "stored": stored}


def calls(box: Sandbox, part: str) -> int:
    return sum(part in call.path for call in box.requests)


def point(patch: pytest.MonkeyPatch, box: Sandbox, folder: Path) -> None:
    patch.setenv("C360_DATA_DIR", str(folder))
    patch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "0.0005")
    for name, value in box.environment().items():
        patch.setenv(name, value)


def salesforce(**options: Any) -> Sandbox:
    """The small world with only this vendor in it."""
    return small_world(vendors=["salesforce"], options={"salesforce": options})


# ---- everything once, by pages and by jobs ----


@pytest.fixture(scope="module")
def keys() -> tuple[str, str]:
    """A private and a public key, in PEM."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = made.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


@pytest.fixture(scope="module")
def by_pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pulled]:
    """The world and all odd records, pulled in pages of twenty whose locator is forgotten once and
    one of which comes without rows."""
    folder = tmp_path_factory.mktemp("pages") / "data"
    with (
        pytest.MonkeyPatch.context() as patch,
        salesforce(page_rows=20, custom_fields=CUSTOM) as box,
    ):
        point(patch, box, folder)
        patch.setenv("SOURCES__SALESFORCE__CUSTOM_FIELDS", "Account.Tier__c,Account.Score__c")
        for kind, record in PUT:
            box.put("salesforce", kind, record)
        box.fault("salesforce", "locator_expired", times=1, path="/query/")
        box.fault("salesforce", "empty_page", times=1, path="/query/")
        pipeline.pull("salesforce")
        yield pulled(box, folder)


@pytest.fixture(scope="module")
def by_jobs(tmp_path_factory: pytest.TempPathFactory, keys: tuple[str, str]) -> Iterator[Pulled]:
    """The same, by bulk jobs in parts of 25 rows, logged in by key, with a token that is good
    for fifteen calls."""
    folder = tmp_path_factory.mktemp("jobs") / "data"
    private, public = keys
    with (
        pytest.MonkeyPatch.context() as patch,
        salesforce(
            bulk_rows=25, bulk_polls=2, session_calls=15, public_key=public, custom_fields=CUSTOM
        ) as box,
    ):
        point(patch, box, folder)
        patch.setenv("SOURCES__SALESFORCE__CUSTOM_FIELDS", "Account.Tier__c,Account.Score__c")
        patch.setenv("SOURCES__SALESFORCE__BULK_ROWS", "0")
        patch.delenv("SOURCES__SALESFORCE__CLIENT_SECRET")
        patch.setenv("SOURCES__SALESFORCE__USERNAME", USERNAME)
        patch.setenv("SOURCES__SALESFORCE__PRIVATE_KEY", private.replace("\n", "\\n"))
        for kind, record in PUT:
            box.put("salesforce", kind, record)
        box.fault("salesforce", "cut_stream", times=1, path="/results")
        pipeline.pull("salesforce")
        yield pulled(box, folder)


def test_every_record_arrives_as_the_api_shows_it(by_pages: Pulled) -> None:
    box = by_pages["box"]
    put = {long_id(str(record.get("Id"))) for _, record in PUT if isinstance(record, dict)}
    for kind, table in TABLES.items():
        stored = [row for row in by_pages["stored"][table] if row["id"] not in put]
        assert stored, table
        for row in stored:
            record = box.record("salesforce", kind, row["id"])
            sent = {flat(name): value for name, value in record.items()}
            moments = {name for name, value in row.items() if isinstance(value, datetime)}
            for name, value in row.items():
                shown = sent.get(RENAMED.get(name, name.replace("_", "")))
                assert value == (datetime.fromisoformat(shown) if name in moments else shown), name


RENAMED = {"product_account_id": "productaccountidc", "billing_customer_id": "billingcustomeridc"}


def flat(name: str) -> str:
    return name.lower().replace("_", "")


def test_forgotten_and_empty_pages_cost_one_more_query_and_no_row(by_pages: Pulled) -> None:
    box = by_pages["box"]
    assert [call.status for call in box.requests].count(400) == 1
    assert calls(box, "SystemModstamp+%3E+") == 2
    assert len(by_pages["stored"]["contacts"]) > 2 * 20


def test_bulk_jobs_bring_the_same_rows_as_pages(by_pages: Pulled, by_jobs: Pulled) -> None:
    for table in TABLES.values():
        assert by_jobs["stored"][table] == by_pages["stored"][table], table


def test_both_ways_turn_the_same_records_away_for_the_same_reasons(
    by_pages: Pulled, by_jobs: Pulled
) -> None:
    def rejects(pulled: Pulled) -> set[tuple[str, str]]:
        # As CSV a record that is no object, or has no key, is a row without values.
        return {
            (row["record_key"], row["reason"])
            for row in pulled["stored"]["quarantine"]
            if row["record_key"]
        }

    assert len(rejects(by_pages)) > 5
    assert rejects(by_jobs) == rejects(by_pages)


def test_a_job_is_read_in_parts_to_the_word_null_and_then_removed(by_jobs: Pulled) -> None:
    box = by_jobs["box"]
    done = [call for call in box.requests if call.status < 300]
    assert sum(call.path.endswith("/jobs/query") for call in done) == len(TABLES)
    assert sum(call.method == "DELETE" for call in done) == len(TABLES)
    assert calls(box, "locator=") >= 2
    assert calls(box, "locator=null") == 0
    assert calls(box, "SELECT+COUNT") == 0


def test_a_token_that_runs_out_in_mid_pull_is_renewed(by_jobs: Pulled) -> None:
    seen = [call.status for call in by_jobs["box"].requests]
    logins = calls(by_jobs["box"], "/oauth2/token")
    assert logins > 2
    assert 0 < seen.count(401) <= 16 * logins


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_each_case_ends_as_a_row_or_with_a_reason(case: Case, by_pages: Pulled) -> None:
    stored = [row for row in by_pages["stored"][case.table] if row["id"] == case.key]
    if case.reason:
        away = by_pages["stored"]["quarantine"]
        (reject,) = [row for row in away if row["record_key"] == case.key]
        assert reject["resource"] == case.table
        assert case.reason in reject["reason"]
        assert not stored
        return
    assert len(stored) == 1
    assert {name: stored[0][name] for name in case.row} == case.row


def test_records_without_a_key_are_kept_aside(by_pages: Pulled) -> None:
    away = by_pages["stored"]["quarantine"]
    assert sorted(row["reason"] for row in away if row["record_key"] == "") == [
        "id is a key and is missing",
        "id is a key and is missing",
        "id is a key and is missing",
        "the record is not an object",
    ]


# ---- after the first pull ----


@pytest.fixture
def later(by_pages: Pulled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A world like the first one without odd records, after a first pull of it."""
    folder = tmp_path / "later"
    shutil.copytree(by_pages["folder"], folder)
    with salesforce(page_rows=20, custom_fields=CUSTOM) as box:
        for kind, record in PUT:
            box.put("salesforce", kind, record)
        point(monkeypatch, box, folder)
        yield box


def pull(monkeypatch: pytest.MonkeyPatch, box: Sandbox) -> dict[str, int]:
    monkeypatch.setenv("C360_AS_OF", box.now.isoformat())
    return pipeline.pull("salesforce").rows


def test_what_is_deleted_for_good_is_told_by_window_or_else_found_by_comparing_ids(
    later: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = [row["id"] for row in rows("salesforce", "events", "not is_deleted")][:3]
    later.advance(hours=1)
    later.remove("salesforce", "Event", first)
    later.advance(hours=1)
    later.archive("salesforce", "Event", second)
    pull(monkeypatch, later)
    assert calls(later, "SELECT+Id+FROM") == 0, "the vendor's own list was enough"
    deleted = {row["id"] for row in rows("salesforce", "events", "is_deleted")}
    assert {first, second} <= deleted
    record = later.record("salesforce", "Event", second)
    assert record
    stamp = f"{later.now + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}.000+0000"
    later.advance(hours=1)
    # brought back from the recycle bin; and another one deleted, and purged before the next pull
    later.put("salesforce", "Event", record | {"IsDeleted": False, "SystemModstamp": stamp})
    later.archive("salesforce", "Event", third)
    later.advance(days=40)
    later.remove("salesforce", "Event", third)
    later.advance(days=35)
    pull(monkeypatch, later)
    assert calls(later, "SELECT+Id+FROM+Event") == 1
    deleted = {row["id"] for row in rows("salesforce", "events", "is_deleted")}
    assert {first, third} <= deleted
    assert second not in deleted


def test_a_table_that_lost_too_much_is_refused_and_nothing_is_loaded(
    later: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows("salesforce", "contacts")
    for row in before[:30]:
        later.remove("salesforce", "Contact", row["id"])
    # longer ago than the vendor tells of
    later.advance(days=45)
    with pytest.raises(PullError, match="contacts would shrink") as stopped:
        pull(monkeypatch, later)
    assert stopped.value.kind == "shrunk"
    assert rows("salesforce", "contacts") == before


def test_a_refusal_that_lasts_is_named_at_once_and_changes_nothing(
    later: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows("salesforce", "accounts")
    monkeypatch.setenv("SOURCES__SALESFORCE__BULK_ROWS", "0")
    later.put("salesforce", "Account", {"Id": record_id("Account", 10**11)})
    for fault, kind, words in (
        ("daily_limit", "rate_limited", "last 24 hours"),
        ("job_failed", "bad_answer", "Failed"),
    ):
        later.fault("salesforce", fault, times=None)
        asked = calls(later, "queryAll")
        with pytest.raises(PullError, match=words) as stopped:
            pull(monkeypatch, later)
        later.clear_faults()
        assert stopped.value.kind == kind
        assert calls(later, "queryAll") - asked <= len(TABLES), "nothing was tried again"
    assert rows("salesforce", "accounts") == before
    assert len(rows("salesforce", "pulls")) == 1


# ---- what the organisation lacks ----


def test_fields_that_are_hidden_or_many_and_kinds_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = {f"A_field_with_a_name_as_long_as_they_come_{n}__c": "string" for n in range(40)}
    monkeypatch.setattr(salesforce_api, "LONGEST_QUERY", 1500)
    with salesforce(
        hidden_fields=["Account.Industry"], multi_currency=False, custom_fields={"Account": wide}
    ) as box:
        point(monkeypatch, box, tmp_path)
        monkeypatch.setenv("SOURCES__SALESFORCE__CURRENCY", "GBP")
        monkeypatch.setenv("SOURCES__SALESFORCE__LEAVE_OUT", "OpportunityLineItem")
        fields = ",".join(f"Account.{name}" for name in wide)
        monkeypatch.setenv("SOURCES__SALESFORCE__CUSTOM_FIELDS", fields)
        pull(monkeypatch, box)
        # the query that does not fit into an address
        assert sum(call.path.endswith("/jobs/query") for call in box.requests) == 1
        assert {call.status for call in box.requests} <= {200, 204}
        accounts = rows("salesforce", "accounts")
        assert len(accounts) > 20
        assert {row["industry"] for row in accounts} == {None}
        assert {row["currency_iso_code"] for row in accounts} == {"GBP"}
        assert {row["currency_iso_code"] for row in rows("salesforce", "opportunities")} == {"GBP"}
        assert not rows("salesforce", "opportunity_line_items")
        assert "a_field_with_a_name_as_long_as_they_come_39__c" in accounts[0]


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("PRODUCT_ID_FIELD", "No_Such__c", r"Account\.No_Such__c \(setting product_id_field\)"),
        ("CUSTOM_FIELDS", "Account.BillingAddress", r"Account\.BillingAddress .*parts"),
        ("PRIVATE_KEY", "s3cret-but-no-key", "private_key is no RSA key"),
    ],
)
def test_a_setting_that_cannot_be_right_is_named_with_its_place(
    setting: str, value: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with salesforce() as box:
        point(monkeypatch, box, tmp_path)
        monkeypatch.setenv("SOURCES__SALESFORCE__USERNAME", "somebody")
        monkeypatch.setenv(f"SOURCES__SALESFORCE__{setting}", value)
        with pytest.raises(PullError, match=words) as stopped:
            pipeline.pull("salesforce")
    assert stopped.value.kind == "credentials"
    assert "s3cret" not in str(stopped.value)
    assert ".dlt/" in str(stopped.value)


@pytest.mark.parametrize("bad", [10, 30])
def test_a_column_of_a_job_that_is_mostly_unreadable_has_changed_its_type(bad: int) -> None:
    reader = Reader("salesforce", OPPORTUNITIES.table)
    sent = {
        "Id": [record_id("Opportunity", number + 1) for number in range(100)],
        "Amount": ["about a thousand"] * bad + ["1.5"] * (100 - bad),
    }
    found = typed(pa.table(sent), OPPORTUNITIES, reader)
    assert found.rows.num_rows == 100 - bad
    assert set(found.rows["amount"].to_pylist()) == {1.5}
    assert {reject.reason for reject in found.rejects} == {"amount is not a number"}
    assert [reject.record_key for reject in found.rejects] == sent["Id"][:bad]
    if bad > 20:
        with pytest.raises(
            PullError, match=r"opportunities\.amount could not be read in 30 of 100"
        ):
            reader.check()
    else:
        reader.check()


def test_ids_of_fifteen_letters_are_those_of_eighteen() -> None:
    # two that differ only by case are two records
    assert long_id("001D000000IRFma") == "001D000000IRFmaIAH"
    assert long_id("001D000000IrfmA") != long_id("001D000000IRFma")[:15] + "IAH"
    assert long_id(" 001D000000IRFmaIAH ") == "001D000000IRFmaIAH"
    assert long_id("cus_4567890123") == "cus_4567890123"
