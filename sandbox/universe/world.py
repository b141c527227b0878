"""The whole made-up world of one seed: every company with everything that happens to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from sandbox.universe.billing import Customer, make_customers
from sandbox.universe.calendar import DAY, add_months, midnight
from sandbox.universe.catalogue import CURRENCIES, Catalogue
from sandbox.universe.chance import stream
from sandbox.universe.companies import Company, make_companies
from sandbox.universe.contracts import Subscription, monthly_value
from sandbox.universe.crm import CrmWriter, Story
from sandbox.universe.events import EventStream
from sandbox.universe.names import person
from sandbox.universe.people import Person, people_of
from sandbox.universe.selling import write_deals, write_meetings
from sandbox.universe.signing import Frame
from sandbox.universe.support import Ticket, make_tickets
from sandbox.universe.surveys import Answer, make_surveys
from sandbox.universe.usage import Access, make_usage

MONTHS_AFTER = 24
OWNERS = 9


@dataclass(frozen=True, slots=True)
class Owner:
    """One CRM user."""

    id: str
    given: str
    family: str
    email: str
    archived: bool


class World:
    """Everything that is and will be, up to two years after the default end; no clock in it.

    It depends on `seed`, `companies`, `months` and `start` alone. What a vendor shows at a moment
    is a view of it, so moving the clock reveals more and rewrites nothing.
    """

    def __init__(self, seed: int, companies: int, months: int, start: date) -> None:
        begins = midnight(start)
        horizon = add_months(begins, months + MONTHS_AFTER)
        self.frame = Frame(seed, begins, horizon)
        self.days = (horizon - begins) // DAY
        self.catalogue = Catalogue(seed)
        self.owners = _owners(seed)
        self.companies = make_companies(seed, companies, months, self.days)
        self.people = [people_of(seed, company, self.days) for company in self.companies]
        self.customers: list[Customer] = []
        self.meeting_days: dict[int, list[int]] = {}
        writer = CrmWriter(self.frame, [owner.id for owner in self.owners])
        accounts = []
        for company, people in zip(self.companies, self.people, strict=True):
            customers = make_customers(self.frame, self.catalogue, company, people)
            self.customers += customers
            story = self._story(company, customers)
            if company.in_crm:
                self._write_crm(writer, company, people, story)
            if company.in_product:
                accounts.append((company, people, self._access(company, story)))
        self.crm = writer.crm
        self.usage = make_usage(seed, self.days, accounts)
        self.events = EventStream(seed, begins, self.days, self.usage)

    @cached_property
    def tickets(self) -> list[Ticket]:
        """Every request for help, in the order of creation; made when somebody first asks."""
        subs: dict[int, list[Subscription]] = {}
        for customer in self.customers:
            subs.setdefault(customer.company.index, []).extend(customer.subscriptions)
        both = zip(self.companies, self.people, strict=True)
        return make_tickets(
            self.frame, ((one, people, subs.get(one.index, [])) for one, people in both)
        )

    @cached_property
    def surveys(self) -> list[Answer]:
        """Every answer to a survey, in the order in which they come; made when first asked for."""
        both = list(zip(self.companies, self.people, strict=True))
        return make_surveys(self.frame.seed, self.frame.start, self.days, both, self.customers)

    def _write_crm(
        self, writer: CrmWriter, company: Company, people: list[Person], story: Story
    ) -> None:
        holders = writer.company(company)
        contacts = writer.contacts(company, people, holders)
        write_deals(writer, self.frame, company, story, holders, contacts)
        self.meeting_days[company.index] = write_meetings(
            writer, self.frame, company, story, holders, contacts
        )

    def _story(self, company: Company, customers: list[Customer]) -> Story:
        subs = [sub for customer in customers for sub in customer.subscriptions]
        if not subs:
            return Story(None, None, company.seats * 400)
        first = subs[0]
        exact = 12 * monthly_value(first, first.cycles[0] + 2 * 3600)
        arr = int(exact / 10 ** CURRENCIES[first.currency][1]) or company.seats * 400
        ends = [sub.ended_at for sub in subs]
        last = max(end for end in ends if end) if all(ends) else None
        if first.reason == "unpaid":
            last = max(span.start for span in first.statuses if span.name == "unpaid")
        elif first.reason == "trial":
            last = first.trial_end
        return Story(self._day(first.notice_at), self._day(last), arr)

    def _day(self, epoch: int | None) -> int | None:
        return None if epoch is None else (epoch - self.frame.start) // DAY

    def _access(self, company: Company, story: Story) -> Access:
        begins = company.signed_day if company.signed_day is not None else company.met_day
        return Access(begins, story.notice_day, story.ended_day)


def _owners(seed: int) -> list[Owner]:
    rng = stream(seed, "owners")
    made = []
    for number in range(OWNERS):
        given, family = person(rng)
        email = f"{given}.{family}{number}@vendor.example".lower().replace("'", "")
        made.append(Owner(str(6_160_000 + number), given, family, email, number == OWNERS - 1))
    return made
