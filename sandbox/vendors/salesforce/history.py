"""The made-up CRM as this vendor keeps it: its own ids, names and omissions, with every change.

Two things differ from the CRM that the world was drawn for. A merge makes no new record: the older
one stays and the other is deleted with a pointer to it. And a meeting has no outcome: one that was
called off is deleted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sandbox.universe import names
from sandbox.universe.calendar import DAY
from sandbox.universe.chance import stream
from sandbox.universe.companies import Company
from sandbox.universe.crm import CrmObject, company_of
from sandbox.universe.world import World
from sandbox.vendors.salesforce.ids import record_id

Values = dict[str, Any]
# From this number on a record of the world is one that a merge made.
NEW_SURVIVOR = {"companies": 2, "contacts": 600}
KINDS = {"companies": "Account", "contacts": "Contact", "deals": "Opportunity", "meetings": "Event"}
STAGES = {  # the world's name -> name, probability, forecast
    "appointmentscheduled": ("Prospecting", 10.0, "Pipeline"),
    "qualifiedtobuy": ("Qualification", 25.0, "Pipeline"),
    "presentationscheduled": ("Proposal/Price Quote", 65.0, "Best Case"),
    "contractsent": ("Negotiation/Review", 90.0, "Commit"),
    "closedwon": ("Closed Won", 100.0, "Closed"),
    "closedlost": ("Closed Lost", 0.0, "Omitted"),
}
INDUSTRIES = {
    "COMPUTER_SOFTWARE": "Technology", "FINANCIAL_SERVICES": "Finance",
    "HOSPITAL_HEALTH_CARE": "Healthcare", "RETAIL": "Retail", "LOGISTICS": "Transportation",
    "MACHINERY": "Machinery", "EDUCATION_MANAGEMENT": "Education",
    "MARKETING_AND_ADVERTISING": "Media", "FOOD_PRODUCTION": "Food & Beverage", "ENERGY": "Energy",
}  # fmt: skip
COUNTRIES = {"US": ("United States", "USA"), "GB": ("United Kingdom", "England"),
             "DE": ("Germany", "Deutschland"), "FR": ("France",), "NL": ("Netherlands",),
             "JP": ("Japan",)}  # fmt: skip


@dataclass(slots=True)
class Change:
    """Values that a record has from a moment on; by automation, nobody is its last editor."""

    at: int
    values: Values
    by_automation: bool = False


@dataclass(slots=True)
class Thing:
    """One record with its changes, oldest first; times are epoch seconds, None is never."""

    id: str
    created: int
    changes: list[Change]
    deleted: int | None = None
    master: str | None = None


class History:
    """All records of a world by kind, made when a kind is first asked for."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._objects = world.crm.objects
        self._made: dict[str, list[Thing]] = {}
        self._ids: dict[str, frozenset[str]] = {}

    def of(self, kind: str) -> list[Thing]:
        """Return every record of a kind, also those of the future, in the order of their ids."""
        if kind not in self._made:
            makers = {
                "Account": self._accounts, "Contact": self._contacts, "User": self._users,
                "Opportunity": self._opportunities, "OpportunityLineItem": self._line_items,
                "Event": self._events, "Task": self._tasks,
            }  # fmt: skip
            self._made[kind] = sorted(makers[kind](), key=lambda thing: thing.id)
        return self._made[kind]

    def ids(self, kind: str) -> frozenset[str]:
        """Return the id of every record of a kind."""
        if kind not in self._ids:
            self._ids[kind] = frozenset(thing.id for thing in self.of(kind))
        return self._ids[kind]

    @cached_property
    def companies(self) -> dict[str, str]:
        """The true company of each Account, by its id."""
        keys = {company.index: company.key for company in self._world.companies}
        return {
            self._id("companies", record.id): keys[company_of(record.id)]
            for record in self._objects["companies"]
        }

    # ---- accounts and people ----

    def _accounts(self) -> Iterator[Thing]:
        billed: dict[int, tuple[int, str]] = {}
        for customer in self._world.customers:
            billed.setdefault(customer.company.index, (customer.created, customer.id))
        for record, changes, master in self._kept("companies"):
            company = self._world.companies[company_of(record.id)]
            rng = self._stream("account", record.id)
            thing = self._thing("companies", record, changes, master)
            given = self._given_names(company, rng)
            self._say(thing, changes, lambda raw, given=given: self._account(raw, given))
            billing = billed.get(company.index)
            if billing and master is None and rng.random() < 0.35:
                at = max(billing[0], thing.created) + DAY
                thing.changes.append(Change(at, {"Billing_Customer_Id__c": billing[1]}, True))
                thing.changes.sort(key=lambda change: change.at)
            yield thing

    def _given_names(self, company: Company, rng: np.random.Generator) -> Values:
        """What this vendor's users typed in, which is not what others did."""
        style = int(rng.choice(8, p=[0.38, 0.30, 0.05, 0.05, 0.09, 0.04, 0.03, 0.06]))
        site = (company.domain, f"http://www.{company.domain}", f"HTTPS://{company.domain.upper()}/",
                f"https://www.{company.domain}/en/home?utm=crm")[int(rng.integers(4))]  # fmt: skip
        spoken = COUNTRIES[company.country]
        return {
            "Name": names.written(company.name, company.legal_short, company.legal_long, style),
            "Website": None if company.free_mail or rng.random() < 0.12 else site,
            "Industry": INDUSTRIES[company.industry] if rng.random() < 0.8 else None,
            "BillingCountry": spoken[int(rng.integers(len(spoken)))],
            "CurrencyIsoCode": company.currency.upper(),
        }

    def _account(self, raw: Values, given: Values) -> Values:
        said: Values = {}
        if "createdate" in raw:
            said |= given
        if "lifecyclestage" in raw:
            sold = raw["lifecyclestage"] == "customer"
            said["Type"] = "Customer - Direct" if sold else "Prospect"
        if "numberofemployees" in raw:
            said["NumberOfEmployees"] = _whole(raw["numberofemployees"])
        if "annualrevenue" in raw:
            revenue = _whole(raw["annualrevenue"])
            said["AnnualRevenue"] = None if revenue is None else float(revenue)
        if "hubspot_owner_id" in raw:
            said["OwnerId"] = self._owner(raw["hubspot_owner_id"])
        if "hs_parent_company_id" in raw:
            parent = raw["hs_parent_company_id"]
            said["ParentId"] = self._id("companies", parent) if parent else None
        if "product_account_id" in raw:
            said["Product_Account_Id__c"] = raw["product_account_id"]
        return said

    def _contacts(self) -> Iterator[Thing]:
        for record, changes, master in self._kept("contacts"):
            thing = self._thing("contacts", record, changes, master)
            self._say(thing, changes, self._contact)
            yield thing

    def _contact(self, raw: Values) -> Values:
        plain = {"email": "Email", "firstname": "FirstName", "lastname": "LastName",
                 "jobtitle": "Title"}  # fmt: skip
        said: Values = {field: raw[name] for name, field in plain.items() if name in raw}
        if "associatedcompanyid" in raw:
            company = raw["associatedcompanyid"]
            said["AccountId"] = self._id("companies", company) if company else None
        if "hubspot_owner_id" in raw:
            said["OwnerId"] = self._owner(raw["hubspot_owner_id"])
        if "createdate" in raw:
            said["IsEmailBounced"] = False
            said["Name"] = f"{raw['firstname']} {raw['lastname']}"
        return said

    def _users(self) -> Iterator[Thing]:
        made = self._world.frame.start
        for number, owner in enumerate(self._world.owners):
            yield Thing(record_id("User", 100 + number), made, [Change(made, {
                "Username": owner.email, "Email": owner.email, "FirstName": owner.given,
                "LastName": owner.family, "Name": f"{owner.given} {owner.family}",
                "IsActive": not owner.archived, "UserType": "Standard", "Title": None,
            })])  # fmt: skip
        robot = "integration@vendor.example"
        yield Thing(record_id("User", 1), made, [Change(made, {
            "Username": robot, "Email": robot, "FirstName": None, "LastName": "Integration User",
            "Name": "Integration User", "IsActive": True, "UserType": "Standard", "Title": None,
        })])  # fmt: skip

    # ---- selling ----

    def _opportunities(self) -> Iterator[Thing]:
        for record, changes, _ in self._kept("deals"):
            thing = self._thing("deals", record, changes, None)
            account = self._linked("deals", "companies", record)
            self._say(thing, changes, self._opportunity)
            thing.changes[0].values["AccountId"] = account
            yield thing

    def _opportunity(self, raw: Values) -> Values:
        said: Values = {}
        if "createdate" in raw:
            said = {
                "Name": raw["dealname"], "Amount": None if raw["amount"] is None
                else float(raw["amount"]), "CloseDate": raw["closedate"][:10],
                "OwnerId": self._owner(raw["hubspot_owner_id"]),
                "CurrencyIsoCode": raw["deal_currency_code"],
                "Type": {"newbusiness": "New Business"}.get(raw["dealtype"], "Existing Business"),
            }  # fmt: skip
        if "dealstage" in raw:
            stage, chance, forecast = STAGES[raw["dealstage"]]
            said |= {"StageName": stage, "Probability": chance, "ForecastCategoryName": forecast,
                     "IsClosed": stage.startswith("Closed"),
                     "IsWon": stage == "Closed Won"}  # fmt: skip
        return said

    def _line_items(self) -> Iterator[Thing]:
        for position, sale in enumerate(self.of("Opportunity")):
            first = sale.changes[0].values
            if first["Amount"] is None:
                continue
            rng = stream(self._world.frame.seed, "salesforce line items", position)
            service = round(first["Amount"] * 0.15, 2) if rng.random() < 0.4 else 0.0
            parts = [("PLAT", "Platform", first["Amount"] - service), ("SERV", "Services", service)]
            for number, (code, name, total) in enumerate(parts):
                if total:
                    count = float(rng.integers(1, 20)) if code == "PLAT" else 1.0
                    made = Change(sale.created, {
                        "OpportunityId": sale.id, "Product2Id": f"01t5f000000{code}AAA",
                        "ProductCode": code, "Name": f"{first['Name']} {name}", "Quantity": count,
                        "UnitPrice": round(total / count, 2), "TotalPrice": round(total, 2),
                        "ServiceDate": None, "CurrencyIsoCode": first["CurrencyIsoCode"],
                    })  # fmt: skip
                    identity = record_id("OpportunityLineItem", 10 * position + number + 10)
                    yield Thing(identity, sale.created, [made], sale.deleted)

    # ---- activities ----

    def _events(self) -> Iterator[Thing]:
        for record in self._objects["meetings"]:
            created, raw = record.created // 1000, record.versions[0][1]
            starts, ends = str(raw["hs_meeting_start_time"]), str(raw["hs_meeting_end_time"])
            minutes = 60 if starts[14:16] == ends[14:16] else 30
            values = self._activity(record) | {
                "Subject": raw["hs_meeting_title"], "ActivityDate": starts[:10],
                "StartDateTime": _salesforce(starts), "EndDateTime": _salesforce(ends),
                "ActivityDateTime": _salesforce(starts), "DurationInMinutes": minutes,
                "IsAllDayEvent": False, "EventSubtype": "Event", "IsChild": False,
                "Type": "Meeting", "OwnerId": self._owner(raw["hubspot_owner_id"]),
            }  # fmt: skip
            off = [at // 1000 for at, said in record.versions
                   if said.get("hs_meeting_outcome") == "CANCELED"]  # fmt: skip
            yield Thing(self._id("meetings", record.id), created, [Change(created, values)],
                        off[0] if off else None)  # fmt: skip

    def _tasks(self) -> Iterator[Thing]:
        """What is done around meetings: a call before, a mail after, and some never."""
        for record in self._objects["meetings"]:
            rng = self._stream("task", record.id)
            if rng.random() < 0.6:
                continue
            raw = record.versions[0][1]
            created = record.created // 1000 + int(rng.integers(3600, 2 * DAY))
            subtype = "Call" if rng.random() < 0.5 else "Email"
            due = created + int(rng.integers(1, 6)) * DAY
            first = self._activity(record) | {
                "Subject": f"{subtype}: {raw['hs_meeting_title']}",
                "ActivityDate": str(np.datetime64(due, "s").astype("datetime64[D]")),
                "Type": subtype, "TaskSubtype": subtype, "Status": "Not Started",
                "IsClosed": False, "OwnerId": self._owner(raw["hubspot_owner_id"]),
            }  # fmt: skip
            changes = [Change(created, first)]
            if rng.random() < 0.85:
                done = due + int(rng.integers(0, DAY))
                last: Values = {"Status": "Completed", "IsClosed": True,
                                "CompletedDateTime": moment(done)}  # fmt: skip
                if subtype == "Call":
                    talked = int(rng.integers(60, 2400)) if rng.random() < 0.7 else 0
                    last |= {"CallDurationInSeconds": talked, "CallType": "Outbound",
                             "CallDisposition": "Connected" if talked else "No answer"}  # fmt: skip
                changes.append(Change(done, last))
            yield Thing(record_id("Task", int(record.id)), created, changes)

    def _activity(self, record: CrmObject) -> Values:
        account = self._linked("meetings", "companies", record)
        return {"WhatId": account, "AccountId": account, "IsRecurrence": False,
                "WhoId": self._linked("meetings", "contacts", record)}  # fmt: skip

    # ---- what all have in common ----

    def _kept(self, kind: str) -> Iterator[tuple[CrmObject, list[tuple[int, Values]], str | None]]:
        """Yield (record, its versions, id of the one it is merged into), without new survivors."""
        objects = self._objects[kind]
        survivors = {thing.merged_into for thing in objects if thing.merged_into}
        by_id = {thing.id: thing for thing in objects}
        for record in objects:
            if record.id in survivors:
                continue
            changes: list[tuple[int, Values]] = [(at, dict(said)) for at, said in record.versions]
            master = None
            if record.merged is not None and record.merged_into is not None:
                if self._stays(kind, record.id):
                    later = [
                        (at, {name: value for name, value in said.items() if name != "createdate"})
                        for at, said in by_id[record.merged_into].versions
                    ]
                    changes = [one for one in changes if one[0] < record.merged] + later
                else:
                    master = self._id(kind, record.merged_into)
            yield record, changes, master

    def _stays(self, kind: str, identity: str) -> bool:
        return int(identity) % 10_000 < (1 if kind == "companies" else 500)

    def _thing(
        self, kind: str, record: CrmObject, changes: list[tuple[int, Values]], master: str | None
    ) -> Thing:
        gone = record.merged if master else record.archived
        deleted = None if gone is None else gone // 1000
        return Thing(self._id(kind, record.id), record.created // 1000, [], deleted, master)

    def _say(self, thing: Thing, changes: list[tuple[int, Values]], render: Any) -> None:
        for at, raw in changes:
            said = render(raw)
            if said:
                alone = set(said) == {"OwnerId"}
                thing.changes.append(Change(at // 1000, said, by_automation=alone))

    def _id(self, kind: str, identity: str) -> str:
        """The id that stands for a record of the world; a new survivor's is its oldest loser's."""
        number, first = int(identity), NEW_SURVIVOR.get(kind)
        if first is not None and number % 10_000 >= first:
            number -= first
        return record_id(KINDS[kind], number)

    def _linked(self, kind: str, other: str, record: CrmObject) -> str | None:
        links = self._world.crm.links[kind, other].get(record.id)
        return self._id(other, links[0].to_id) if links else None

    def _owner(self, identity: str | None) -> str | None:
        return None if identity is None else self._users_by_owner[identity]

    @cached_property
    def _users_by_owner(self) -> dict[str, str]:
        owners = enumerate(self._world.owners)
        return {owner.id: record_id("User", 100 + number) for number, owner in owners}

    def _stream(self, name: str, identity: str) -> np.random.Generator:
        number = int(identity)
        return stream(
            self._world.frame.seed, f"salesforce {name}", number // 10_000, number % 10_000
        )


def moment(epoch: int) -> str:
    """Return epoch seconds as the REST API writes them: `2026-01-05T10:00:00.000+0000`."""
    return f"{np.datetime64(epoch, 's')}.000+0000"


def _salesforce(iso: str) -> str:
    return f"{iso[:19]}.000+0000"


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)
