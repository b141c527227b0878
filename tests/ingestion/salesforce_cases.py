"""Salesforce's lines of the bad-input catalogue: odd records, and what must come of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ingestion.sources.salesforce_ids import long_id
from sandbox.vendors.salesforce.ids import record_id

STAMP = "2026-11-01T08:00:02.000+0000"
KINDS = {
    "accounts": "Account", "contacts": "Contact", "opportunities": "Opportunity",
    "tasks": "Task", "events": "Event",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One record by its key. Exactly one of `row` and `reason` says what must come of it."""

    name: str
    table: str
    key: str
    row: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


CASES: list[Case] = []
PUT: list[tuple[str, Any]] = []


def record(table: str, change: dict[str, Any]) -> str:
    """Puts one record and returns its id; `change` may bring its own."""
    kind = KINDS[table]
    key = record_id(kind, 80 * 10**9 + len(PUT))
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), STAMP)
    made = {"Id": key, "IsDeleted": False, **stamps, **change}
    PUT.append((kind, made))
    return long_id(str(made["Id"]).strip())


def clean(name: str, table: str, change: dict[str, Any], /, **row: Any) -> None:
    CASES.append(Case(name, table, record(table, change), row))


def turned_away(name: str, table: str, change: dict[str, Any], reason: str) -> None:
    CASES.append(Case(name, table, record(table, change), reason=reason))


for value in (
    'tab\there, "quoted", line\nthere',
    "🦊 and \u202ereversed",
    '=HYPERLINK("http://example.com")',
    "'); drop table accounts; --",
    "<script>alert('x')</script>",
    "TEST - do not use",
    "REDACTED",
    "x" * 200_000,
    "null",
):
    clean(f"a name: {value[:12]!r}", "accounts", {"Name": value}, name=value)
clean("NUL in a name", "accounts", {"Name": "a\0b"}, name="ab")
clean("no name at all", "accounts", {"Name": None}, name=None)
clean("absent fields", "accounts", {}, name=None, website=None, parent_id=None)
for country in ("UK", "GB", "England"):
    clean(f"country {country}", "accounts", {"BillingCountry": country}, billing_country=country)
for site in ("gmail.com", "same.example", "HTTPS://SAME.example/"):
    clean(f"website {site}", "accounts", {"Website": site}, website=site)
short = "001D000000IRFma"
clean("an id of fifteen letters", "accounts", {"Id": short, "Name": "short"}, name="short")
clean("an id with spaces", "accounts", {"Id": " 001D000000IRFmbIAH "}, id="001D000000IRFmbIAH")
clean("the same id in another case", "accounts", {"Id": "001D000000IRFmA"}, name=None)
other = record_id("Account", 80 * 10**9)
clean("parent by fifteen letters", "accounts", {"ParentId": other[:15]}, parent_id=other)
cycle = [record_id("Account", 81 * 10**9 + number) for number in range(2)]
for one, two in (cycle, reversed(cycle)):
    clean(f"a cycle of parents {one[-4]}", "accounts", {"Id": one, "ParentId": two}, parent_id=two)
clean(
    "a merged account",
    "accounts",
    {"IsDeleted": True, "MasterRecordId": other[:15]},
    is_deleted=True,
    master_record_id=other,
)
clean("a recycled id, made long ago", "accounts", {"CreatedDate": "2019-01-01T00:00:00.000+0000"},
      created_date=datetime(2019, 1, 1, tzinfo=UTC))  # fmt: skip
clean("an owner who left", "accounts", {"OwnerId": "0055f00000gONE1"},
      owner_id=long_id("0055f00000gONE1"))  # fmt: skip
clean("a custom field", "accounts", {"Tier__c": "gold", "Score__c": 7},
      tier__c="gold", score__c=7.0)  # fmt: skip
turned_away("a custom field of another type", "accounts", {"Score__c": "gold"},
            "score__c is not a number")  # fmt: skip
turned_away("a head count in words", "accounts", {"NumberOfEmployees": "50-100"},
            "number_of_employees is not a number")  # fmt: skip
turned_away("a revenue without end", "accounts", {"AnnualRevenue": "Infinity"},
            "annual_revenue is not a finite number")  # fmt: skip
turned_away("a flag in words", "accounts", {"IsDeleted": "yes"},
            "is_deleted is neither true nor false")  # fmt: skip
turned_away("made in year 1", "accounts", {"CreatedDate": "0001-01-01T00:00:00.000+0000"},
            "created_date is a date outside")  # fmt: skip
for mail in ("JANE.DOE@EXAMPLE.COM", "jane+test@example.com", "jürgen@müller.example",
             "a@example.com; b@example.com"):  # fmt: skip
    clean(f"mail {mail}", "contacts", {"Email": mail}, email=mail)
clean("a contact without an account", "contacts", {"AccountId": None}, account_id=None)
clean("a contact of a merged account", "contacts", {"AccountId": other}, account_id=other)
clean("closed before it was made", "opportunities", {"CloseDate": "2019-05-05"},
      close_date="2019-05-05")  # fmt: skip
turned_away("closed on no day", "opportunities", {"CloseDate": "2026-02-30"},
            "close_date is not a date")  # fmt: skip
for currency in ("USD", "EUR", "JPY"):
    clean(f"in {currency}", "opportunities", {"CurrencyIsoCode": currency, "Amount": 5000.0},
          currency_iso_code=currency, amount=5000.0)  # fmt: skip
clean("a stage that nobody knows", "opportunities", {"StageName": "Zzz"}, stage_name="Zzz")
clean("a negative amount", "opportunities", {"Amount": -0.1}, amount=-0.1)
turned_away("an amount in words", "opportunities", {"Amount": "1.000,50"},
            "amount is not a number")  # fmt: skip
clean("HTML in a subject", "events", {"Subject": "<p>QBR &amp; <b>plans</b></p>"},
      subject="<p>QBR &amp; <b>plans</b></p>")  # fmt: skip
turned_away("an appointment at no time", "events", {"StartDateTime": "soon"},
            "start_date_time is not a date")  # fmt: skip
clean("an archived task", "tasks", {"IsArchived": True, "ActivityDate": "2020-01-01"},
      is_archived=True, activity_date="2020-01-01")  # fmt: skip

PUT += [
    ("Account", {"Id": None, "Name": "null key"}),
    ("Account", {"Id": "", "Name": "empty key"}),
    ("Account", {"Name": "no key"}),
    ("Account", "no object"),
]
