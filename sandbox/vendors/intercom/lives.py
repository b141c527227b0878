"""Who is a contact of the support tool and when: users of the product, leads who wrote first."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from sandbox.universe.calendar import DAY
from sandbox.universe.chance import fraction
from sandbox.universe.companies import Company
from sandbox.universe.people import Person
from sandbox.universe.support import Ticket
from sandbox.universe.world import World

CONSULTANTS = 0.01
DELETED = 0.01
MERGED = 0.6


def object_id(epoch: int, seed: int, *parts: object) -> str:
    """Return 24 hexadecimal digits that begin with the moment of creation."""
    text = "|".join(map(str, (seed, *parts)))
    return f"{epoch:08x}" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Life:
    """One contact; times are epoch seconds, None is never. `seen_until`: the last day of use."""

    id: str
    company: Company
    person: Person
    role: str
    created: int
    seen_until: int | None
    merged: int | None = None
    merged_into: str | None = None
    deleted: int | None = None
    others: tuple[int, ...] = ()

    def there(self, now: int) -> bool:
        """Return whether it is a contact of its own at a moment."""
        ends = [end for end in (self.merged, self.deleted) if end is not None]
        return self.created <= now and all(now < end for end in ends)


class Lives:
    """Every contact there will be, by company, and the one in whose name somebody writes."""

    def __init__(self, world: World, tickets: list[Ticket]) -> None:
        self._world = world
        self._tickets = tickets
        self._start, self._seed = world.frame.start, world.frame.seed

    @cached_property
    def all(self) -> list[Life]:
        """Every contact, company after company."""
        return [life for pair in self._pairs.values() for life in pair if life is not None]

    @cached_property
    def by_id(self) -> dict[str, Life]:
        """Every contact by its id."""
        return {life.id: life for life in self.all}

    @cached_property
    def by_company(self) -> dict[int, list[Life]]:
        """The contacts of each company that has any, by its index; consultants count everywhere."""
        found: dict[int, list[Life]] = {}
        for life in self.all:
            for index in (life.company.index, *life.others):
                found.setdefault(index, []).append(life)
        return found

    def writer(self, ticket: Ticket, now: int) -> Life:
        """Return the contact in whose name a request stands at a moment."""
        lead, user = self._pairs[ticket.company.index, ticket.person.number]
        if lead is not None and (user is None or ticket.created < user.created):
            merged = lead.merged is not None and lead.merged <= now
            return user if merged and user is not None else lead
        assert user is not None
        return user

    @cached_property
    def _pairs(self) -> dict[tuple[int, int], tuple[Life | None, Life | None]]:
        first: dict[tuple[int, int], int] = {}
        for ticket in self._tickets:
            first.setdefault((ticket.company.index, ticket.person.number), ticket.created)
        pairs = {}
        known: list[int] = []
        for company, people in zip(self._world.companies, self._world.people, strict=True):
            for person in people:
                key = company.index, person.number
                user = self._user(company, person, known)
                lead = self._lead(company, person, user, first.get(key))
                if lead is not None or user is not None:
                    pairs[key] = (lead, user)
            if (company.index, 0) in pairs:
                known.append(company.index)
        return pairs

    def _user(self, company: Company, person: Person, known: list[int]) -> Life | None:
        if person.user_day is None:
            return None
        own = (company.index, person.number)
        created = (
            self._start + person.user_day * DAY + int(fraction(self._seed, "hour", *own) * DAY)
        )
        others: tuple[int, ...] = ()
        consults = person.title == "Consultant" and fraction(self._seed, "consults", *own)
        if consults and consults < CONSULTANTS:
            others = tuple(known[-14:])
        return Life(
            object_id(created, self._seed, "intercom user", *own), company, person, "user", created,
            None if person.leaves_day is None else self._start + person.leaves_day * DAY,
            deleted=self._deleted(created, own), others=others,
        )  # fmt: skip

    def _lead(
        self, company: Company, person: Person, user: Life | None, wrote: int | None
    ) -> Life | None:
        if wrote is None or (user is not None and user.created <= wrote):
            return None
        own = (company.index, person.number)
        identity = object_id(wrote, self._seed, "intercom lead", *own)
        if user is not None and fraction(self._seed, "lead merged", *own) < MERGED:
            days = 1 + fraction(self._seed, "merged after", *own) * 3
            at = user.created + int(days * DAY)
            return Life(identity, company, person, "lead", wrote, None, at, user.id)
        return Life(identity, company, person, "lead", wrote, None)

    def _deleted(self, created: int, own: tuple[int, int]) -> int | None:
        chance = fraction(self._seed, "contact deleted", *own)
        return created + int((30 + chance / DELETED * 400) * DAY) if chance < DELETED else None
