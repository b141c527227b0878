"""The sandbox's Salesforce, judged by the client that most Python programs talk to it with."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceOperationError,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

from sandbox import Sandbox
from sandbox.vendors.salesforce.fields import FIELDS
from sandbox.vendors.salesforce.ids import long_id, record_id
from sandbox.vendors.salesforce.sessions import CLIENT_ID, CLIENT_SECRET, USERNAME
from tests.sandbox.conftest import NOW, small

DOMAIN = "acme.my"
NEW = 90 * 10**9


class Detour(HTTPAdapter):
    """Takes calls to the vendor's hosts, which the client insists on, to the sandbox."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        url = urlsplit(str(request.url))
        # Behind the vendor's own host a path has no prefix.
        path = url.path.removeprefix(urlsplit(self._base).path)
        request.url = self._base + path + (f"?{url.query}" if url.query else "")
        return super().send(request, **kwargs)


def session(box: Sandbox) -> requests.Session:
    made = requests.Session()
    made.mount("https://", Detour(box.environment()["SOURCES__SALESFORCE__BASE_URL"]))
    return made


def logged_in(box: Sandbox, **more: Any) -> Salesforce:
    given = {"consumer_key": CLIENT_ID, "consumer_secret": CLIENT_SECRET, "domain": DOMAIN, **more}
    return Salesforce(session=session(box), version="67.0", **given)


def world(**options: Any) -> Sandbox:
    return small(companies=30, vendors=["salesforce"], options={"salesforce": options})


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """A sandbox that nobody changes, with pages of 20."""
    with world(page_rows=20, bulk_rows=30) as made:
        yield made


@pytest.fixture(scope="module")
def sf(box: Sandbox) -> Salesforce:
    return logged_in(box)


@pytest.fixture
def own() -> Iterator[Sandbox]:
    """A sandbox that the test may change."""
    with world() as made:
        yield made


# ---- reading ----


def test_a_query_comes_in_pages_and_query_all_follows_them(sf: Salesforce) -> None:
    page = sf.query("SELECT Id, Name FROM Contact")
    assert len(page["records"]) == 20
    assert page["done"] is False
    assert page["nextRecordsUrl"].startswith("/services/data/v67.0/query/0r8")
    everything = sf.query_all("SELECT Id, Name FROM Contact")
    assert everything["totalSize"] == page["totalSize"] == len(everything["records"])
    assert len({record["Id"] for record in everything["records"]}) == page["totalSize"] > 40
    first = everything["records"][0]
    assert list(first) == ["attributes", "Id", "Name"]
    assert first["attributes"]["url"] == f"/services/data/v67.0/sobjects/Contact/{first['Id']}"


def test_conditions_hold_and_order_is_kept(sf: Salesforce) -> None:
    everything = sf.query_all(
        "SELECT Id, Name, Amount, IsClosed, IsWon, CloseDate FROM Opportunity"
    )
    records = everything["records"]

    def ids(where: str) -> list[str]:
        found = sf.query_all(
            f"SELECT Id FROM Opportunity WHERE {where} ORDER BY CloseDate, Id DESC"
        )
        return [record["Id"] for record in found["records"]]

    def expected(test: Any) -> list[str]:
        kept = sorted((r for r in records if test(r)), key=lambda r: r["Id"], reverse=True)
        return [r["Id"] for r in sorted(kept, key=lambda r: r["CloseDate"])]

    assert 0 < len(ids("IsWon = true")) < len(records)
    assert ids("IsWon = true") == expected(lambda r: r["IsWon"])
    assert ids("Amount > 5000.5 AND NOT IsClosed = true") == expected(
        lambda r: (r["Amount"] or 0) > 5000.5 and not r["IsClosed"]
    )
    assert ids("Amount = null OR CloseDate < 2026-06-01") == expected(
        lambda r: r["Amount"] is None or r["CloseDate"] < "2026-06-01"
    )
    assert ids("(Name LIKE '%NEW 1' OR Amount IN (1, 2.0)) AND Id != null") == expected(
        lambda r: r["Name"].lower().endswith("new 1") or r["Amount"] in (1, 2)
    )
    first, second = records[0]["Id"], records[1]["Id"]
    assert set(ids(f"Id IN ('{first[:15]}', '{second}')")) == {first, second}
    assert len(ids(f"Id NOT IN ('{first}')")) == len(records) - 1
    assert len(sf.query("SELECT Id FROM Opportunity LIMIT 3 OFFSET 2")["records"]) == 3
    assert sf.query("SELECT COUNT() FROM Opportunity")["totalSize"] == len(records)


def test_a_time_is_compared_to_the_second_in_any_zone(sf: Salesforce) -> None:
    newest = sf.query("SELECT SystemModstamp FROM Account ORDER BY SystemModstamp DESC LIMIT 1")
    stamp = datetime.fromisoformat(newest["records"][0]["SystemModstamp"])
    for literal in (
        f"{stamp:%Y-%m-%dT%H:%M:%SZ}",
        f"{stamp + timedelta(hours=2):%Y-%m-%dT%H:%M:%S}%2B02:00".replace("%2B", "+"),
    ):
        query = f"SELECT COUNT() FROM Account WHERE SystemModstamp >= {literal}"
        assert sf.query(query)["totalSize"] == 1
    late = sf.query(
        f"SELECT COUNT() FROM Account WHERE SystemModstamp > {stamp:%Y-%m-%dT%H:%M:%SZ}"
    )
    assert late["totalSize"] == 0


def test_one_record_its_fields_and_what_describe_says(sf: Salesforce) -> None:
    identity = sf.query("SELECT Id FROM Account LIMIT 1")["records"][0]["Id"]
    assert sf.Account.get(identity)["Id"] == identity
    assert sf.Account.get(identity[:15])["Name"] == sf.Account.get(identity)["Name"]
    fields = {field["name"]: field for field in sf.Account.describe()["fields"]}
    assert set(fields) == set(FIELDS["Account"])
    assert fields["Product_Account_Id__c"]["custom"] is True
    assert fields["BillingCountry"]["compoundFieldName"] == "BillingAddress"
    assert {one["name"] for one in sf.describe()["sobjects"]} == set(FIELDS)
    limits = sf.limits()["DailyApiRequests"]
    assert limits["Max"] == 100_000
    assert 0 < sf.api_usage["api-usage"].used <= limits["Max"] - limits["Remaining"]


def test_a_bulk_query_brings_what_a_query_brings(sf: Salesforce) -> None:
    query = "SELECT Id, Name, Amount, IsWon, CreatedDate, CurrencyIsoCode FROM Opportunity"
    parts = list(sf.bulk2.Opportunity.query(query, wait=0))
    assert len(parts) > 1
    rows = [row for part in parts for row in csv.DictReader(io.StringIO(part))]
    assert list(rows[0]) == ["Id", "Name", "Amount", "IsWon", "CreatedDate", "CurrencyIsoCode"]
    records = {record["Id"]: record for record in sf.query_all(query)["records"]}
    assert set(records) == {row["Id"] for row in rows}
    for row in rows:
        record = records[row["Id"]]
        assert row["Amount"] == ("" if record["Amount"] is None else str(record["Amount"]))
        assert row["IsWon"] == str(record["IsWon"]).lower()
        assert row["CreatedDate"].endswith(".000Z")
        assert datetime.fromisoformat(row["CreatedDate"]) == datetime.fromisoformat(
            record["CreatedDate"]
        )


def test_the_crm_knows_its_companies_by_other_names_and_ids(box: Sandbox) -> None:
    companies = {company.key: company for company in box.world.companies}
    shown = [
        (companies[key], box.record("salesforce", "Account", identity))
        for key, identity, state in box._services["salesforce"].accounts()
        if state == "live"
    ]
    assert len(shown) > 20
    assert all(company.in_crm for company, _ in shown)
    assert len({record["Name"] == company.name for company, record in shown}) == 2
    carried = [record["Product_Account_Id__c"] for _, record in shown]
    assert 0 < sum(one is not None for one in carried) < len(carried)
    ids = {record["Id"] for _, record in shown}
    parents = {record["ParentId"] for _, record in shown} - {None}
    assert all(long_id(one[:15]) == one for one in ids | parents)


def test_moving_the_clock_reveals_more_and_rewrites_no_id(own: Sandbox) -> None:
    sf = logged_in(own)
    query = "SELECT Id, CreatedDate, SystemModstamp FROM Event"
    before = {r["Id"]: r for r in sf.query_all(query, include_deleted=True)["records"]}
    newest = max(record["SystemModstamp"] for record in before.values())
    assert datetime.fromisoformat(newest) <= own.now
    own.advance(days=30)
    after = {r["Id"]: r for r in sf.query_all(query, include_deleted=True)["records"]}
    assert len(after) > len(before)
    for identity in before.keys() & after.keys():
        assert after[identity]["CreatedDate"] == before[identity]["CreatedDate"]
        changed = after[identity]["SystemModstamp"] != before[identity]["SystemModstamp"]
        assert changed == (datetime.fromisoformat(after[identity]["SystemModstamp"]) > NOW)


# ---- what is gone ----


def test_deleted_merged_and_removed_records_show_where_the_vendor_shows_them(own: Sandbox) -> None:
    sf = logged_in(own)
    soft, merged, hard, winner = [
        record["Id"] for record in sf.query("SELECT Id FROM Account LIMIT 4")["records"]
    ]
    own.archive("salesforce", "Account", soft)
    loser = own.record("salesforce", "Account", merged)
    assert loser
    own.put("salesforce", "Account", loser | {"IsDeleted": True, "MasterRecordId": winner})
    own.remove("salesforce", "Account", hard)
    own.advance(hours=1)
    query = "SELECT Id, IsDeleted, MasterRecordId FROM Account"
    live = {record["Id"] for record in sf.query_all(query)["records"]}
    assert not live & {soft, merged, hard}
    known = {r["Id"]: r for r in sf.query_all(query, include_deleted=True)["records"]}
    assert known[soft]["IsDeleted"] is known[merged]["IsDeleted"] is True
    assert known[merged]["MasterRecordId"] == winner
    assert hard not in known
    told = sf.Account.deleted(own.now - timedelta(days=1), own.now)
    assert {one["id"] for one in told["deletedRecords"]} >= {soft, merged, hard}
    with pytest.raises(SalesforceResourceNotFound, match="ENTITY_IS_DELETED"):
        sf.Account.get(soft)
    with pytest.raises(SalesforceResourceNotFound, match="NOT_FOUND"):
        sf.Account.get(hard)
    own.advance(days=16)
    known = {r["Id"]: r for r in sf.query_all(query, include_deleted=True)["records"]}
    assert soft not in known or known[soft]["IsDeleted"]
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_REPLICATION_DATE"):
        sf.Account.deleted(own.now - timedelta(days=31), own.now)


def test_the_world_merges_into_the_older_account_and_purges_what_it_deleted() -> None:
    seen: dict[str, Any] = {}
    query = "SELECT Id, CreatedDate, MasterRecordId FROM Account WHERE IsDeleted = true"
    with small(companies=80, vendors=["salesforce"]) as made:
        sf = logged_in(made)
        for _ in range(45):
            made.advance(days=14)
            for record in sf.query_all(query, include_deleted=True)["records"]:
                seen[record["Id"]] = record
        merged = [record for record in seen.values() if record["MasterRecordId"]]
        assert 0 < len(merged) < len(seen)
        for record in merged:
            winner = made.record("salesforce", "Account", record["MasterRecordId"])
            assert winner
            assert winner["CreatedDate"] <= record["CreatedDate"]
        left = {record["Id"] for record in sf.query_all(query, include_deleted=True)["records"]}
        assert set(seen) - left, "the recycle bin is emptied after fifteen days"


def test_a_record_that_changes_between_two_pages_shows_as_it_is_by_then(own: Sandbox) -> None:
    sf = logged_in(own)
    for number in range(2001):
        own.put("salesforce", "Contact", {"Id": record_id("Contact", NEW + number)})
    query = f"SELECT Id, Title FROM Contact WHERE Id >= '{record_id('Contact', NEW)}' ORDER BY Id"
    page = sf.query(query)
    last = record_id("Contact", NEW + 2000)
    own.put("salesforce", "Contact", {"Id": last, "Title": "Changed"})
    (record,) = sf.query_more(page["nextRecordsUrl"], identifier_is_url=True)["records"]
    assert (record["Id"], record["Title"]) == (last, "Changed")


def test_archived_activities_come_only_with_everything(sf: Salesforce) -> None:
    with world() as made:
        made.advance(days=400)
        client = logged_in(made)
        count = "SELECT COUNT() FROM Event WHERE IsDeleted = false"
        assert (
            0
            < client.query(count)["totalSize"]
            < client.query(count, include_deleted=True)["totalSize"]
        )


# ---- what goes wrong ----


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT Foo FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Foo", "INVALID_TYPE"),
        ("SELECT Id FORM Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account LIMIT x", "MALFORMED_QUERY"),
        ("SELECT Id; DROP", "MALFORMED_QUERY"),
    ],
)
def test_a_bad_query_is_the_clients_malformed_request(
    query: str, code: str, sf: Salesforce
) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.query(query)
    assert refused.value.content[0]["errorCode"] == code


def test_unknown_things_are_the_clients_not_found(sf: Salesforce) -> None:
    for call in (
        sf.Nothing.describe,
        lambda: sf.Account.get("001000000000000"),
        lambda: sf.restful("no/such/path"),
    ):
        with pytest.raises(SalesforceResourceNotFound):
            call()


def test_wrong_and_missing_credentials_are_told_apart(box: Sandbox) -> None:
    for wrong, code in (
        ({"consumer_key": "x"}, "invalid_client_id"),
        ({"consumer_secret": "x"}, "invalid_client"),
    ):
        with pytest.raises(SalesforceAuthenticationFailed) as refused:
            logged_in(box, **wrong)
        assert refused.value.code == code
    stranger = Salesforce(session=session(box), instance="x.my.salesforce.com", session_id="00D!x")
    with pytest.raises(SalesforceExpiredSession, match="INVALID_SESSION_ID"):
        stranger.query("SELECT Id FROM Account")


def test_a_session_that_ends_is_renewed_by_the_client() -> None:
    with world(session_calls=3) as made:
        sf = logged_in(made)
        for _ in range(8):
            sf.query("SELECT COUNT() FROM User")
        statuses = [call.status for call in made.requests]
        assert statuses.count(401) == 2
        assert [call.path for call in made.requests].count("/services/oauth2/token") == 3


def test_a_login_may_be_signed_and_only_by_the_right_key_and_person() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption()).decode()  # fmt: skip
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with world(public_key=public.decode()) as made:
        signed = {"consumer_key": CLIENT_ID, "privatekey": private, "session": session(made)}
        sf = Salesforce(username=USERNAME, **signed)
        assert sf.query("SELECT COUNT() FROM User")["totalSize"] > 0
        with (
            pytest.warns(UserWarning, match="approve"),
            pytest.raises(SalesforceAuthenticationFailed),
        ):
            Salesforce(username="somebody@else.example", **signed)
        base = made.environment()["SOURCES__SALESFORCE__BASE_URL"]
        said = {"iss": CLIENT_ID, "sub": USERNAME, "aud": "https://login.salesforce.com", "exp": 1}
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "assertion": jwt.encode(said, private, algorithm="RS256")}  # fmt: skip
        answer = requests.post(f"{base}/services/oauth2/token", data=form, timeout=30)
        assert answer.status_code == 400
        assert answer.json()["error"] == "invalid_grant"


def test_too_many_calls_are_refused_by_403_of_both_kinds() -> None:
    with world(daily_calls=4) as made:
        sf = logged_in(made)
        made.fault("salesforce", "rate_limit")
        with pytest.raises(SalesforceRefusedRequest, match="ConcurrentRequests"):
            sf.query("SELECT Id FROM User")
        for _ in range(3):
            sf.query("SELECT Id FROM User")
        with pytest.raises(SalesforceRefusedRequest, match="TotalRequests Limit exceeded"):
            sf.query("SELECT Id FROM User")
        made.advance(days=1)
        assert logged_in(made).query("SELECT Id FROM User")["done"]


def test_faults_of_its_own_hit_queries_and_jobs(own: Sandbox) -> None:
    sf = logged_in(own)
    own.fault("salesforce", "daily_limit", path="query")
    with pytest.raises(SalesforceRefusedRequest, match="TotalRequests"):
        sf.query("SELECT Id FROM User")
    own.fault("salesforce", "locator_expired", path="/query/")
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_QUERY_LOCATOR"):
        sf.query_more("0r85f0000000001AAA-2000")
    own.fault("salesforce", "job_failed", path="/jobs/query/")
    with pytest.raises(SalesforceOperationError, match="Job failure"):
        list(sf.bulk2.User.query("SELECT Id FROM User", wait=0))


def test_jobs_keep_their_rules(own: Sandbox) -> None:
    sf = logged_in(own)

    def post(query: str) -> Any:
        body = {"operation": "queryAll", "query": query}
        return sf.restful("jobs/query", method="POST", json=body)

    for query in ("SELECT COUNT() FROM User", "SELECT BillingAddress FROM Account", "SELECT x"):
        with pytest.raises(SalesforceMalformedRequest):
            post(query)
    job = post("SELECT Id FROM User")
    base = own.environment()["SOURCES__SALESFORCE__BASE_URL"]

    def get(version: str, path: str) -> requests.Response:
        url = f"{base}/services/data/v{version}/jobs/query/{job['id']}{path}"
        return requests.get(url, headers=sf.headers, timeout=30)

    assert get("67.0", "/results").status_code == 412
    assert get("66.0", "").status_code == 409
    assert [get("67.0", "").json()["state"] for _ in range(2)] == ["InProgress", "JobComplete"]
    result = get("67.0", "/results")
    assert result.headers["Sforce-Locator"] == "null"
    assert int(result.headers["Sforce-NumberOfRecords"]) == result.text.count("\n") - 1
    assert sf.restful(f"jobs/query/{job['id']}", method="DELETE") is None
    assert get("67.0", "").status_code == 404


def test_an_address_that_is_too_long_is_refused(box: Sandbox, sf: Salesforce) -> None:
    query = f"SELECT Id FROM Account WHERE Name IN ({', '.join(['%r' % ('x' * 100)] * 200)})"
    base = box.environment()["SOURCES__SALESFORCE__BASE_URL"]
    url = f"{base}/services/data/v67.0/query"
    answer = requests.get(url, params={"q": query}, headers=sf.headers, timeout=30)
    assert answer.status_code == 414


def test_fields_may_be_hidden_added_or_without_currency() -> None:
    options: dict[str, Any] = {
        "hidden_fields": ["Account.Industry"],
        "custom_fields": {"Account": {"Tier__c": "string"}},
        "multi_currency": False,
    }
    with world(**options) as made:
        sf = logged_in(made)
        fields = {field["name"] for field in sf.Account.describe()["fields"]}
        assert "Tier__c" in fields
        assert not fields & {"Industry", "CurrencyIsoCode"}
        with pytest.raises(SalesforceMalformedRequest, match="No such column 'Industry'"):
            sf.query("SELECT Industry FROM Account")


def test_a_malformed_record_stands_as_it_was_put(own: Sandbox) -> None:
    sf = logged_in(own)
    odd = {"Id": record_id("Account", NEW), "Name": {"first": "A"}, "SystemModstamp": "never"}
    own.put("salesforce", "Account", odd)
    own.put("salesforce", "Account", "no object")
    records = sf.query("SELECT Id, Name, Website FROM Account WHERE SystemModstamp >= "
                       f"{own.now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")["records"]  # fmt: skip
    assert "no object" in records
    (shown,) = [one for one in records if one != "no object"]
    assert {name: shown[name] for name in shown if name != "attributes"} == {
        "Id": odd["Id"], "Name": {"first": "A"}
    }  # fmt: skip
    own.remove("salesforce", "Account", odd["Id"])
    assert own.record("salesforce", "Account", odd["Id"]) is None
