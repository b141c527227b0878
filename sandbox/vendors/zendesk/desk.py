"""Who stands in the help desk: organizations, end users and agents, made from the true companies.

Half of what a help desk knows was typed by agents in a hurry: some customers have no organization,
some people belong to none or write from a private address, names are spelled as they come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from sandbox.universe import names
from sandbox.universe.calendar import DAY
from sandbox.universe.chance import stream
from sandbox.universe.companies import Company
from sandbox.universe.crm import account_key, company_id
from sandbox.universe.people import Person
from sandbox.universe.support import HOUR, Agent, Ticket, agents
from sandbox.universe.world import World

ORGANIZATIONS, USERS, AGENTS = 360_000_000_000, 370_000_000_000, 380_000_000_000


@dataclass(frozen=True, slots=True)
class Organization:
    """One organization; times are epoch seconds, None is never."""

    id: int
    company: Company
    name: str
    domains: list[str]
    external_id: str | None
    crm_id: str | None
    created: int
    renamed: tuple[int, str] | None
    deleted: int | None


@dataclass(frozen=True, slots=True)
class User:
    """One end user; `joined` is when an agent put them into their organization."""

    id: int
    person: Person
    email: str | None
    organization: int | None
    joined: int | None
    created: int
    left: int | None


@dataclass(frozen=True, slots=True)
class Case:
    """One ticket with its number in the help desk and who wrote it."""

    id: int
    ticket: Ticket
    user: User


class Desk:
    """The help desk's whole life, past and future; made when first asked for."""

    def __init__(self, world: World, channels: Collection[str]) -> None:
        self._world, self._channels = world, channels
        self._seed, self._start = world.frame.seed, world.frame.start

    @cached_property
    def agents(self) -> list[tuple[int, Agent]]:
        """Who answers, with their ids."""
        return [(AGENTS + agent.number, agent) for agent in agents(self._seed)]

    @cached_property
    def organizations(self) -> dict[int, Organization]:
        """Organizations by the index of their company; it does not ask for tickets."""
        paying = {customer.company.index for customer in self._world.customers}
        made = {}
        for company in self._world.companies:
            if company.in_product or company.index in paying:
                organization = self._organization(company)
                if organization:
                    made[company.index] = organization
        return made

    def _organization(self, company: Company) -> Organization | None:
        rng = stream(self._seed, "organization", company.index)
        if rng.random() < 0.1:
            return None
        begins = company.signed_day if company.signed_day is not None else company.met_day
        created = self._start + (begins + int(rng.integers(0, 4))) * DAY
        created += int(rng.integers(8 * HOUR, 18 * HOUR))
        style = int(rng.choice(8, p=[0.3, 0.34, 0.06, 0.05, 0.06, 0.08, 0.04, 0.07]))
        name = names.written(company.name, company.legal_short, company.legal_long, style)
        domains = [] if company.free_mail or rng.random() < 0.12 else [company.domain]
        if domains and rng.random() < 0.08:
            domains.append("mail." + company.domain)
        key = account_key(company) if rng.random() < 0.55 else None
        crm = company_id(company) if rng.random() < 0.4 else None
        later = created + int(rng.integers(60, 700)) * DAY
        again = names.written(company.name, company.legal_short, company.legal_long, 0)
        renamed = (later, again) if rng.random() < 0.06 else None
        deleted = later + 30 * DAY if rng.random() < 0.02 else None
        return Organization(
            ORGANIZATIONS + company.index, company, name, domains, key, crm, created, renamed,
            deleted,
        )  # fmt: skip

    @cached_property
    def cases(self) -> list[Case]:
        """Every ticket of the help desk, in the order of creation."""
        users: dict[tuple[int, int], User] = {}
        made: list[Case] = []
        for ticket in self._world.tickets:
            if ticket.channel not in self._channels:
                continue
            key = (ticket.company.index, ticket.person.number)
            if key not in users:
                users[key] = self._user(ticket)
            made.append(Case(1000 + len(made), ticket, users[key]))
        self._users = list(users.values())
        return made

    @property
    def users(self) -> Iterable[User]:
        """Everybody who ever writes."""
        if self.cases:
            return self._users
        return ()

    def _user(self, first: Ticket) -> User:
        company, person = first.company, first.person
        rng = stream(self._seed, "help desk user", company.index, person.number)
        email: str | None = person.email
        if rng.random() < 0.04:
            local = f"{names.slug(person.given)}{person.number}.{company.index}"
            email = f"{local}@{names.FREE_MAIL[int(rng.integers(len(names.FREE_MAIL)))]}"
        elif rng.random() < 0.02:
            email = None  # a phone number was all there was
        organization = self.organizations.get(company.index)
        joined = first.created
        if rng.random() < 0.06:
            joined += int(rng.integers(2, 30)) * DAY
        if organization is None or rng.random() < 0.1:
            organization, joined = None, 0
        left = None
        if person.leaves_day is not None and rng.random() < 0.3:
            left = max(self._start + person.leaves_day * DAY, first.created) + 9 * HOUR
        return User(
            USERS + company.index * 10_000 + person.number,
            person,
            email,
            organization.id if organization else None,
            max(joined, organization.created) if organization else None,
            first.created,
            left,
        )
