"""The CRM's side of the universe: companies, contacts, deals, meetings, owners and their links."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sandbox.universe import names
from sandbox.universe.calendar import DAY, iso_ms
from sandbox.universe.chance import stream
from sandbox.universe.companies import Company
from sandbox.universe.people import Person
from sandbox.universe.signing import Frame

Properties = dict[str, str | None]
ID_BASE = {"companies": 21, "contacts": 31, "deals": 41, "meetings": 51}
LINK_TYPES = {  # from, to: unlabelled type, primary type
    ("companies", "contacts"): (280, 2), ("contacts", "companies"): (279, 1),
    ("deals", "companies"): (341, 5), ("companies", "deals"): (342, 6),
    ("deals", "contacts"): (3, None), ("contacts", "deals"): (4, None),
    ("meetings", "contacts"): (200, None), ("contacts", "meetings"): (199, None),
    ("meetings", "companies"): (188, None), ("companies", "meetings"): (187, None),
}  # fmt: skip


@dataclass(slots=True)
class CrmObject:
    """One record with its history; times are epoch milliseconds, None is never."""

    id: str
    created: int
    versions: list[tuple[int, Properties]]
    archived: int | None = None
    merged: int | None = None
    merged_into: str | None = None

    def change(self, at: int, **properties: str | None) -> None:
        """Add a version; properties not named stay as they were."""
        self.versions.append((max(at, self.versions[-1][0]), properties))

    def at(self, now: int) -> tuple[int, Properties]:
        """Return the last change up to `now` and the properties then."""
        merged: Properties = {}
        updated = self.created
        for at, properties in self.versions:
            if at > now:
                break
            merged.update(properties)
            updated = at
        return updated, merged


@dataclass(frozen=True, slots=True)
class Link:
    """One association, in force from `start` until `end`; `primary` adds the second type."""

    from_type: str
    from_id: str
    to_type: str
    to_id: str
    start: int
    end: int | None
    primary: bool


@dataclass(slots=True)
class Crm:
    """All records by type and all links by (from type, to type) and from id."""

    objects: dict[str, list[CrmObject]] = field(
        default_factory=lambda: {name: [] for name in ID_BASE}
    )
    links: dict[tuple[str, str], dict[str, list[Link]]] = field(
        default_factory=lambda: {pair: {} for pair in LINK_TYPES}
    )

    def link(
        self, one: tuple[str, str], other: tuple[str, str], start: int,
        end: int | None = None, primary: bool = False,
    ) -> None:  # fmt: skip
        """Associate two records in both directions."""
        for (from_type, from_id), (to_type, to_id) in ((one, other), (other, one)):
            made = Link(from_type, from_id, to_type, to_id, start, end, primary)
            self.links[from_type, to_type].setdefault(from_id, []).append(made)


def record_id(kind: str, company: int, number: int = 0) -> str:
    """Return the id of a company's nth record of a kind."""
    return str(ID_BASE[kind] * 10**9 + company * 10_000 + number)


def company_of(identity: str) -> int:
    """Return the index of the company that a record id was made for."""
    return int(identity) % 10**9 // 10_000


def company_id(company: Company) -> str | None:
    """Return the id of a company's first CRM record, None when the CRM does not know it."""
    return record_id("companies", company.index) if company.in_crm else None


def account_key(company: Company) -> str | None:
    """Return the product's own account id, None when the product does not know the company."""
    if not company.in_product:
        return None
    return f"{names.slug(company.name)}-{company.index * 7919 % 65536:04x}"


@dataclass(frozen=True, slots=True)
class Story:
    """What the CRM's people know of a company: days of notice and end, and whether it renews."""

    notice_day: int | None
    ended_day: int | None
    arr: int


class CrmWriter:
    """Writes the records of one company after another into a Crm."""

    def __init__(self, frame: Frame, owners: list[str]) -> None:
        self.crm = Crm()
        self._frame = frame
        self._owners = owners
        self._horizon_ms = frame.horizon * 1000

    def ms(self, day: float, offset: int = 0) -> int:
        """Return epoch milliseconds of a universe day in office hours."""
        return (self._frame.start + int(day * DAY) + offset) * 1000 + offset * 37 % 1000

    def owner(self, rng: np.random.Generator) -> str:
        """Return the id of some owner."""
        return self._owners[int(rng.integers(len(self._owners)))]

    def company(self, company: Company) -> list[tuple[str, int, int | None]]:
        """Write a company's records; return (id, from, until) of those that carry its links."""
        rng = stream(self._frame.seed, "crm company", company.index)
        first = self._company_record(company, 0, company.met_day, rng)
        self._life(company, first, rng)
        fate = rng.random()
        if fate < 0.02:
            first.archived = self.ms(company.met_day + int(rng.integers(60, 700)), 50_000)
        if fate < 0.93:
            return [(first.id, first.created, None)]
        other = self._company_record(company, 1, company.met_day + int(rng.integers(5, 120)), rng)
        if fate < 0.965:
            return [(first.id, first.created, None)]
        return self._merge(company, first, other, rng)

    def _company_record(
        self, company: Company, number: int, day: int, rng: np.random.Generator
    ) -> CrmObject:
        style = int(rng.choice(8, p=[0.42, 0.26, 0.06, 0.05, 0.07, 0.05, 0.03, 0.06]))
        domain: str | None = company.domain
        if company.free_mail or rng.random() < 0.07:
            domain = None
        elif rng.random() < 0.06:
            domain = (
                f"WWW.{company.domain.upper()}" if rng.random() < 0.5 else f"www.{company.domain}"
            )
        website = f"https://www.{company.domain}/" if domain or rng.random() < 0.5 else None
        created = self.ms(day, int(rng.integers(8 * 3600, 18 * 3600)))
        identity = record_id("companies", company.index, number)
        parent = None
        if company.parent is not None and rng.random() < 0.85:
            parent = record_id("companies", company.parent)
        properties: Properties = {
            "name": names.written(company.name, company.legal_short, company.legal_long, style),
            "domain": domain,
            "website": website,
            "industry": company.industry if rng.random() < 0.9 else None,
            "numberofemployees": str(company.employees) if rng.random() < 0.85 else None,
            "annualrevenue": str(company.employees * 90_000) if rng.random() < 0.6 else None,
            "country": {"US": "United States", "GB": "UK", "DE": "Germany", "FR": "France",
                        "NL": "Netherlands", "JP": "Japan"}[company.country],
            "lifecyclestage": "lead",
            "hubspot_owner_id": self.owner(rng),
            "hs_parent_company_id": parent,
            "hs_merged_object_ids": None,
            "product_account_id": None,
            "createdate": iso_ms(created),
        }  # fmt: skip
        made = CrmObject(identity, created, [(created, properties)])
        self.crm.objects["companies"].append(made)
        return made

    def _life(self, company: Company, record: CrmObject, rng: np.random.Generator) -> None:
        if company.signed_day is not None and company.in_billing:
            record.change(self.ms(company.signed_day, 61_000), lifecyclestage="customer")
        if company.in_product and rng.random() < 0.6:
            begins = company.signed_day if company.signed_day is not None else company.met_day
            record.change(self.ms(begins + 2, 40_000), product_account_id=account_key(company))
        day = company.met_day + int(rng.exponential(300)) + 60
        while self.ms(day) < self._horizon_ms:
            owner = self.owner(rng)
            if rng.random() < 0.3:
                record.change(self.ms(day, 33_000), hubspot_owner_id=owner)
            else:
                people = str(int(company.employees * rng.uniform(0.9, 1.3)) + 1)
                record.change(self.ms(day, 34_000), numberofemployees=people)
            day += 60 + int(rng.exponential(300))
        record.versions.sort(key=lambda version: version[0])

    def _merge(
        self, company: Company, first: CrmObject, other: CrmObject, rng: np.random.Generator
    ) -> list[tuple[str, int, int | None]]:
        at = other.created + int(rng.integers(10, 200)) * DAY * 1000
        _, properties = first.at(at)
        identity = record_id("companies", company.index, 2)
        # the vendor's own list names the survivor too: who drops every id on it loses the company
        merged = ";".join((first.id, other.id, identity))
        survivor = CrmObject(
            identity, at,
            [(at, {**properties, "hs_merged_object_ids": merged}),
             *(version for version in first.versions if version[0] > at)],
        )  # fmt: skip
        for loser in (first, other):
            loser.merged, loser.merged_into = at, identity
        self.crm.objects["companies"].append(survivor)
        return [(first.id, first.created, at), (identity, at, None)]

    def _merge_contact(self, record: CrmObject, company: Company, day: int) -> None:
        """Let a contact be found twice and merged into a new one that lists both."""
        number = int(record.id) % 10_000
        other = CrmObject(
            record_id("contacts", company.index, number + 500),
            record.created + 3_600_000,
            [(record.created + 3_600_000, {**record.versions[0][1], "jobtitle": None})],
        )
        at = record.created + day * DAY * 1000
        identity = record_id("contacts", company.index, number + 600)
        vids = ";".join(f"{one}:{at}" for one in (record.id, other.id, identity))
        properties = {**record.at(at)[1], "hs_calculated_merged_vids": vids}
        survivor = CrmObject(identity, at, [(at, properties)])
        for loser in (record, other):
            loser.merged, loser.merged_into = at, identity
        self.crm.objects["contacts"] += [other, survivor]
        holder = properties["associatedcompanyid"]
        if holder:
            self.crm.link(("companies", holder), ("contacts", identity), at, None, True)

    def contacts(
        self, company: Company, people: list[Person], holders: list[tuple[str, int, int | None]]
    ) -> list[CrmObject]:
        """Write the contacts of a company and link them to the records that stand for it."""
        rng = stream(self._frame.seed, "crm contacts", company.index)
        made = []
        for person in people:
            if person.contact_day is None:
                continue
            created = max(
                self.ms(person.contact_day, int(rng.integers(28_000, 64_000))), holders[0][1]
            )
            email = person.email.upper() if rng.random() < 0.03 else person.email
            owner = self.owner(rng)
            record = CrmObject(
                record_id("contacts", company.index, person.number), created,
                [(created, {
                    "email": email if rng.random() < 0.97 else None, "firstname": person.given,
                    "lastname": person.family, "jobtitle": person.title,
                    "hubspot_owner_id": owner, "lifecyclestage": "lead",
                    "associatedcompanyid": _holder(holders, created),
                    "hs_calculated_merged_vids": None, "createdate": iso_ms(created),
                })],
            )  # fmt: skip
            for identity, start, end in holders:
                if end is None or end > created:
                    since = max(start, created)
                    if since > created:
                        record.change(since, associatedcompanyid=identity)
                    self.crm.link(
                        ("companies", identity), ("contacts", record.id), since, end, True
                    )
            if rng.random() < 0.02:
                record.archived = created + int(rng.integers(90, 600)) * DAY * 1000
            elif rng.random() < 0.015 and len(holders) == 1:
                self._merge_contact(record, company, int(rng.integers(5, 200)))
            self.crm.objects["contacts"].append(record)
            made.append(record)
        if company.parent is not None and made:
            # the same person looks after the parent too
            parent = record_id("companies", company.parent)
            self.crm.link(("companies", parent), ("contacts", made[0].id), made[0].created)
        return made


def _holder(holders: list[tuple[str, int, int | None]], at: int) -> str:
    return next(identity for identity, _, end in holders if end is None or at < end)
