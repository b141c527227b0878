"""The bad-input catalogue as cases: what a vendor sends, and the row or the reason it must become.

`clean` cases name columns of the row that must be there; `turned_away` cases name the reason.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.ingestion.support import NOW

STAMP = "2026-11-01T08:00:00.000Z"
EPOCH = int(NOW.timestamp()) - 86400
OTHER = {"companies": "properties__name", "customers": "name"}


@dataclass(frozen=True)
class Case:
    """One record or line of input. Exactly one of `row` and `reason` says what must come of it."""

    name: str
    table: str
    text: str
    row: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


CASES: list[Case] = []


def record(table: str, name: str, change: dict[str, Any]) -> str:
    base: dict[str, Any]
    if table in ("companies", "contacts", "deals", "meetings"):
        base = {"createdAt": STAMP, "updatedAt": STAMP, "archived": False, "properties": {}}
    elif table == "profiles":
        properties = {"$email": f"{name}@example.com"} | change
        return json.dumps({"$distinct_id": name, "$properties": properties})
    elif table == "events":
        properties = {"time": EPOCH, "distinct_id": "u", "$insert_id": name}
        return json.dumps({"event": "api_call", "properties": properties} | change)
    else:
        base = {"object": table, "created": EPOCH}
    return json.dumps({"id": name, **base, **change})


def clean(name: str, table: str, change: dict[str, Any], /, **row: Any) -> None:
    CASES.append(Case(name, table, record(table, name, change), row))


def turned_away(name: str, table: str, change: dict[str, Any], reason: str) -> None:
    CASES.append(Case(name, table, record(table, name, change), reason=reason))


def raw(name: str, table: str, text: str, reason: str = "", /, **row: Any) -> None:
    CASES.append(Case(name, table, text, row, reason))


def verbatim(table: str, member: str, values: dict[str, str]) -> None:
    for name, value in values.items():
        if table in ("companies", "contacts", "deals", "meetings"):
            clean(name, table, {"properties": {member: value}}, **{f"properties__{member}": value})
        else:
            clean(name, table, {member: value}, **{member: value})


def property_of_event(name: str, change: dict[str, Any], /, **row: Any) -> None:
    properties = {"time": EPOCH, "distinct_id": "u", "$insert_id": name} | change
    clean(name, "events", {"properties": properties}, **row)


# --- G: any source -----------------------------------------------------------------------------
clean("G1", "companies", {"properties": {"name": "first"}}, properties__name="second")
clean("G1", "companies", {"properties": {"name": "second"}}, properties__name="second")
newer, older = "2026-11-02T00:00:00Z", "2026-10-02T00:00:00Z"
clean(
    "G2",
    "companies",
    {"updatedAt": newer, "properties": {"name": "newer"}},
    properties__name="newer",
)
clean(
    "G2",
    "companies",
    {"updatedAt": older, "properties": {"name": "older"}},
    properties__name="newer",
)
raw(
    "G3 null key",
    "companies",
    '{"id": null, "properties": {"name": "G3"}}',
    "id is a key and is missing",
)
raw("G4 no key", "companies", '{"properties": {"name": "G4"}}', "id is a key and is missing")
raw(
    "G5 empty key",
    "companies",
    '{"id": "", "properties": {"name": "G5"}}',
    "id is a key and is missing",
)
raw(
    "G6",
    "companies",
    '{"id": "  G6 ", "properties": {"name": "spaces"}}',
    properties__name="spaces",
)
raw("g6 Case", "customers", '{"id": "g6 Case", "name": "one"}', name="one")
raw("g6 cASE", "customers", '{"id": "g6 cASE", "name": "other"}', name="other")
raw("71", "companies", '{"id": 71, "properties": {"name": "number"}}', properties__name="number")
raw("071", "companies", '{"id": "071", "properties": {"name": "text"}}', properties__name="text")
for digits in ("1208925819614629174706176", "18446744073709551616"):
    text = f'{{"id": {digits}, "properties": {{"firstname": "{digits}"}}}}'
    raw(digits, "contacts", text, properties__firstname=digits)
raw("x-8", "companies", '{"id": "x-8", "properties": {"name": "G8"}}', properties__name="G8")
turned_away("G9 declared", "charges", {"amount": 10.5}, "amount is not a whole number")
clean("G9 undeclared int", "charges", {"g9_ratio": 10}, g9_ratio=10.0)
clean("G9 undeclared", "charges", {"g9_ratio": 10.5}, g9_ratio=10.5)
turned_away("G10", "charges", {"amount": "N/A"}, "amount is not a whole number")
clean("G11", "charges", {"amount": "12"}, amount=12)
raw(
    "G12 NaN",
    "coupons",
    '{"id": "G12 NaN", "percent_off": NaN}',
    "percent_off is not a finite number",
)
raw(
    "G12 Infinity",
    "companies",
    '{"id": "G12 Infinity", "properties": {"annualrevenue": Infinity}}',
    "properties__annualrevenue is not a text",
)
turned_away("G13", "charges", {"amount": 2**70}, "amount does not fit into 64 bits")
clean("G14", "prices", {"unit_amount_decimal": "1" * 45}, unit_amount_decimal="1" * 45)
clean("G15", "prices", {"unit_amount_decimal": "10.555"}, unit_amount_decimal="10.555")
clean("G16", "companies", {"properties": {"name": "a\0b"}}, properties__name="ab")
raw(
    "G17",
    "companies",
    '{"id": "G17", "properties": {"name": "a\\ud800b"}}',
    properties__name="a\ufffdb",
)
clean(
    "G18",
    "companies",
    {"properties": {"name": "x" * 20_000_000}},
    properties__name="x" * 20_000_000,
)
verbatim(
    "companies",
    "name",
    {
        "G19": "tab\there, line\nthere, return\r.",
        "G20": "🦊 and \u202ereversed",
        "G21 formula": '=HYPERLINK("http://example.com")',
        "G21 plus": "+1 555",
        "G21 minus": "-1",
        "G21 at": "@sum(a1)",
        "G22": "'); drop table companies; --",
        "G33": "<script>alert('x')</script>",
    },
)
clean("G23", "customers", {'a"; drop table customers': "g23"}, field_a_drop_table_customers="g23")
clean(
    "G24",
    "customers",
    {"name": "declared", "Name": "second", "NAME ": "third"},
    name="declared",
    field_name="third",
)
clean("G25", "customers", {"имя": "g25"}, field_field="g25")
clean("G26", "customers", {"": "g26"}, field_field="g26")
clean("G27 name", "customers", {"n" * 300: "g27"}, field_nnn="g27")
turned_away(
    "G27 count",
    "customers",
    {f"f{n}": n for n in range(1500)},
    "the record has 1500 undeclared fields",
)
clean("G28", "customers", {"_dlt_id": "mine", "_dlt_load_id": "mine"}, field_dlt_id="mine")
clean("G29 object", "customers", {"g29": {"a": 1}}, g29='{"a": 1}')
clean("G29 list", "customers", {"g29": [1, 2]}, g29="[1, 2]")
clean("G29 text", "customers", {"g29": "plain"}, g29="plain")
clean("G30", "companies", {"properties": {"industry": None}}, properties__industry=None)
clean("G31", "companies", {"properties": {}}, properties__name=None)
turned_away("G32 yes", "companies", {"archived": "yes"}, "archived is neither true nor false")
turned_away("G32 two", "companies", {"archived": 2}, "archived is neither true nor false")
turned_away("G32 maybe", "companies", {"archived": "maybe"}, "archived is neither true nor false")
clean("G32 text", "customers", {"delinquent": "True"}, delinquent=True)
raw("G no object", "companies", '"G no object"', "the record is not an object")

# --- T: times ----------------------------------------------------------------------------------
for name, sent, moment in [
    ("T1 naive", "2026-05-01T10:00:00", datetime(2026, 5, 1, 10, tzinfo=UTC)),
    ("T2 gap", "2026-03-29T02:30:00+01:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
    ("T2 overlap first", "2026-10-25T02:30:00+02:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ("T2 overlap second", "2026-10-25T02:30:00+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ("T3 offset", "2026-05-01T12:00:00+02:00", datetime(2026, 5, 1, 10, tzinfo=UTC)),
    ("T3 Z", "2026-05-01T10:00:00Z", datetime(2026, 5, 1, 10, tzinfo=UTC)),
    ("T4 ms", 1777629600000, datetime(2026, 5, 1, 10, tzinfo=UTC)),
    ("T4 s", "1777629600", datetime(2026, 5, 1, 10, tzinfo=UTC)),
    ("T9 2099", "2099-01-01T00:00:00Z", datetime(2099, 1, 1, tzinfo=UTC)),
]:
    clean(name, "companies", {"createdAt": sent}, created_at=moment)
for name, sent in [
    ("T5 slashes", "01/02/2026"),
    ("T6 no such day", "2026-02-30"),
    ("T7 year 1", "0001-01-01T00:00:00+14:00"),
    ("T7 year 9999", "9999-12-31T23:59:59-12:00"),
    ("T8 year 10000", "10000-01-01T00:00:00Z"),
]:
    turned_away(name, "companies", {"createdAt": sent}, "created_at is ")
turned_away(
    "T4 stripe", "invoices", {"created": EPOCH * 1000}, "created is an epoch in milliseconds"
)

# --- CRM ---------------------------------------------------------------------------------------
verbatim("companies", "hs_merged_object_ids", {"C merged": "11;12"})
clean("C recycled id", "companies", {"createdAt": "2020-01-01T00:00:00Z"}, archived=False)
clean("C recycled id", "companies", {"createdAt": STAMP}, created_at=datetime.fromisoformat(STAMP))
clean("C deleted", "companies", {"archived": True, "archivedAt": STAMP}, archived=True)
verbatim("companies", "hubspot_owner_id", {"C owner gone": "404404"})
verbatim(
    "companies", "hs_parent_company_id", {"C parent A": "C parent B", "C parent B": "C parent A"}
)
verbatim(
    "companies",
    "domain",
    {"C one domain": "same.com", "C one domain too": "same.com", "C free mail": "gmail.com"},
)
verbatim("companies", "country", {"C UK": "UK", "C GB": "GB", "C England": "England"})
verbatim("companies", "lifecyclestage", {"C picklist label": "Marketing Qualified Lead"})
verbatim(
    "companies", "name", {"C test account": "TEST - do not use", "C erased company": "REDACTED"}
)
clean(
    "C custom field retyped", "companies", {"properties": {"tier": "gold"}}, properties__tier="gold"
)
turned_away(
    "C employees",
    "companies",
    {"properties": {"numberofemployees": "50-100"}},
    "properties__numberofemployees is not a number",
)
clean(
    "C employees cleared",
    "companies",
    {"properties": {"numberofemployees": ""}},
    properties__numberofemployees="",
)
turned_away(
    "C object as text",
    "companies",
    {"properties": {"name": {"first": "A"}}},
    "properties__name is not a text",
)
verbatim(
    "contacts",
    "email",
    {
        "C upper": "JANE.DOE@EXAMPLE.COM",
        "C plus": "jane+test@example.com",
        "C IDN": "jürgen@müller.example",
        "C two in one": "a@example.com; b@example.com",
        "C erased person": "REDACTED",
    },
)
verbatim("contacts", "associatedcompanyid", {"C no account": "", "C account": "1"})
clean(
    "C closed before made",
    "deals",
    {"properties": {"closedate": "2020-01-01", "createdate": STAMP}},
    properties__closedate="2020-01-01",
)
turned_away(
    "C closed on no day",
    "deals",
    {"properties": {"closedate": "2026-02-30"}},
    "properties__closedate is not a date",
)
verbatim("deals", "deal_currency_code", {"C USD": "USD", "C EUR": "EUR", "C JPY": "JPY"})
verbatim("deals", "dealstage", {"C stage unknown": "no_such_stage"})
turned_away(
    "C amount",
    "deals",
    {"properties": {"amount": "1.000,50"}},
    "properties__amount is not a number",
)
turned_away(
    "C closed",
    "deals",
    {"properties": {"hs_is_closed": "perhaps"}},
    "properties__hs_is_closed is neither",
)
verbatim("meetings", "hs_meeting_title", {"C HTML": "<p>QBR &amp; <b>plans</b></p>"})

# --- Billing -----------------------------------------------------------------------------------
for name, change in {
    "B minor units": {"total": 123456, "currency": "usd"},
    "B zero-decimal": {"total": 5000, "currency": "jpy"},
    "B three-decimal": {"total": 5000, "currency": "kwd"},
    "B negative": {"total": -500, "amount_due": 0},
    "B draft": {"status": "draft", "finalized_at": None},
    "B void": {"status": "void"},
    "B end before start": {"period_start": EPOCH, "period_end": EPOCH - 1000},
    "B no rate": {"currency": "xau", "total": 1},
    "B tax": {"tax": 19, "total": 119, "subtotal": 100},
}.items():
    clean(name, "invoices", change, **change)
for name, change in {
    "B dispute": {"disputed": True, "amount": 100},
    "B refunded more": {"amount": 100, "amount_refunded": 150},
}.items():
    clean(name, "charges", change, **change)
turned_away("B float cents", "charges", {"amount": 0.1 + 0.2}, "amount is not a whole number")
clean("B refund next month", "refunds", {"amount": 150, "created": EPOCH + 1}, amount=150)
for name, change in {
    "B trial": {"status": "trialing", "trial_end": EPOCH + 9},
    "B cancel at end": {"status": "active", "cancel_at_period_end": True},
    "B reactivated": {"status": "active", "canceled_at": EPOCH, "ended_at": None},
    "B second active": {"status": "active", "customer": "B alone"},
}.items():
    clean(name, "subscriptions", change, **change)
clean(
    "B paused",
    "subscriptions",
    {"pause_collection": {"behavior": "void"}},
    pause_collection='{"behavior": "void"}',
)
for quantity in (0, None):
    inside = {
        "id": f"si {quantity}",
        "quantity": quantity,
        "price": {"id": "p", "recurring": {"interval": "year", "usage_type": "metered"}},
    }
    clean(
        f"B quantity {quantity}",
        "subscriptions",
        {"items": {"data": [inside]}},
        id=f"B quantity {quantity}",
    )
line = {"id": "il", "amount": -5, "proration": True, "period": {"start": EPOCH, "end": EPOCH + 9}}
clean("B proration", "invoices", {"lines": {"data": [line]}}, id="B proration")
clean("B free", "coupons", {"percent_off": 100, "duration": "forever"}, percent_off=100.0)
clean("B percent too fine", "coupons", {"percent_off": "33.333"}, percent_off=33.333)
clean("B deleted", "customers", {"deleted": True}, deleted=True)
clean("B alone", "customers", {"metadata": {}}, metadata__hubspot_company_id=None)
clean(
    "B linked",
    "customers",
    {"metadata": {"hubspot_company_id": 42}},
    metadata__hubspot_company_id="42",
)
clean(
    "B address as text",
    "customers",
    {"address": "Main Street"},
    address="Main Street",
    address__country=None,
)
for _ in range(2):
    about = {"type": "x.y", "data": {"object": {"id": "o", "object": "thing"}}}
    clean("B twice", "events_of_stripe", about, object_id="o", object_type="thing")
clean("B out of order", "events_of_stripe", {"created": EPOCH - 99}, created=EPOCH - 99)
clean("B changed price", "prices", {"unit_amount": 900, "active": False}, unit_amount=900)
turned_away(
    "B price as text", "prices", {"unit_amount": "nine"}, "unit_amount is not a whole number"
)

# --- Product analytics -------------------------------------------------------------------------
property_of_event("P once", {"company_id": "acme"}, group_key="acme", distinct_id="u")
property_of_event(
    "P anonymous", {"distinct_id": "$device:d1", "$device_id": "d1"}, device_id="d1", user_id=None
)
property_of_event("P identified", {"$user_id": "u1", "$device_id": "d1"}, user_id="u1")
property_of_event("P two accounts", {"company_id": ["a", "b"]}, group_key="a")
property_of_event("P no account", {"company_id": None}, group_key=None)
property_of_event("P space", {"company_id": " acme "}, group_key=" acme ")
property_of_event("P number", {"company_id": 7}, group_key="7")
property_of_event(
    "P late",
    {"time": EPOCH - 86400 * 20, "mp_processing_time_ms": EPOCH * 1000},
    processed_at=datetime.fromtimestamp(EPOCH, UTC),
)
property_of_event("P ms", {"time": EPOCH * 1000}, time=datetime.fromtimestamp(EPOCH, UTC))
property_of_event("P text time", {"time": str(EPOCH)}, time=datetime.fromtimestamp(EPOCH, UTC))
property_of_event(
    "P half second", {"time": EPOCH + 0.5}, time=datetime.fromtimestamp(EPOCH + 0.5, UTC)
)
property_of_event(
    "P midnight",
    {"time": EPOCH // 86400 * 86400},
    time=datetime.fromtimestamp(EPOCH // 86400 * 86400, UTC),
)
property_of_event("P many keys", {f"k{n}": n for n in range(1000)}, event="api_call")
property_of_event("P nested", {"blob": '{"a": [1, {"b": 2}]}'}, event="api_call")
property_of_event("P flips", {"duration": "long"}, event="api_call")
property_of_event("P flips back", {"duration": -7}, event="api_call")
property_of_event(
    "P long URL", {"url": "https://example.com/?" + "q=1&" * 20_000}, event="api_call"
)
property_of_event("P person in URL", {"url": "https://example.com/?mail=a@b.c"}, event="api_call")
property_of_event("P bot", {"$browser": "bot", "sampling": 0.1, "mp_lib": "v9"}, event="api_call")
property_of_event("P UUID", {"distinct_id": "A0EE-BC99"}, distinct_id="A0EE-BC99")
property_of_event("P quote", {"name": "'); drop table events; --"}, event="api_call")
clean("P bracket", "events", {"event": "[Auto] Click"}, event="[Auto] Click")
clean("P renamed", "events", {"event": "API Call v2"}, event="API Call v2")
turned_away("P event object", "events", {"event": {"name": "x"}}, "event is not a text")
turned_away("P no event", "events", {"event": None}, "event is missing")


def mistimed(name: str, moment: Any, reason: str) -> None:
    properties = {"distinct_id": "u", "$insert_id": name}
    timed = properties if moment is None else properties | {"time": moment}
    turned_away(name, "events", {"properties": timed}, reason)


mistimed("P 1970", 5, "time is not on a day that was asked for")
mistimed("P in five years", EPOCH + 5 * 365 * 86400, "time is in the future")
mistimed("P time text", "yesterday", "time is not an epoch")
mistimed("P no time", None, "time is missing")
mistimed("P year 10000", 253402300800000, "time is not an epoch")
raw("P half a line", "events", '{"event": "P half a line", "prop', "the line is not a JSON object")
raw("P list", "events", '["P list"]', "the line is not a JSON object")
clean(
    "P profile",
    "profiles",
    {"$created": "2026-01-05T10:00:00", "company_id": ["a", "b"]},
    created_at=datetime(2026, 1, 5, 10, tzinfo=UTC),
    group_key="a",
)
turned_away("P profile date", "profiles", {"$created": "soon"}, "created_at is not a date")
turned_away("P profile mail", "profiles", {"$email": {"a": 1}}, "email is not a text")
raw(
    "P profile list",
    "profiles",
    '{"$distinct_id": "P profile list", "$properties": []}',
    "distinct_id is a key and is missing",
)

# So many records that a few unreadable ones are not a change of type.
for number in range(150):
    for table in (
        "companies",
        "contacts",
        "deals",
        "customers",
        "charges",
        "invoices",
        "coupons",
        "prices",
        "profiles",
        "events",
    ):
        CASES.append(Case(f"filler {number}", table, record(table, f"filler {number}", {})))
