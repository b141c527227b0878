"""People of a company: contacts that sales knows and users that the product knows."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.universe import names
from sandbox.universe.chance import stream
from sandbox.universe.companies import Company


@dataclass(frozen=True, slots=True)
class Person:
    """One person; `contact_day`, `user_day` are first days in CRM and product, None for never."""

    number: int
    given: str
    family: str
    email: str
    title: str
    contact_day: int | None
    user_day: int | None
    leaves_day: int | None


def people_of(seed: int, company: Company, horizon_days: int) -> list[Person]:
    """Return the people of a company: contacts first, in the order in which they joined."""
    rng = stream(seed, "people", company.index)
    begins = company.signed_day if company.signed_day is not None else company.met_day
    contacts = int(rng.integers(1, 4 if company.plan == "starter" else 8)) if company.in_crm else 0
    users = max(1, round(company.seats * rng.uniform(0.5, 1.1))) if company.in_product else 0
    both = min(contacts, users, 1 + int(rng.integers(0, 3)))
    grows = company.pattern == "growing"
    made: list[Person] = []
    taken: set[str] = set()
    for number in range(contacts + users - both):
        given, family = names.person(rng)
        is_contact, is_user = number < contacts, number < both or number >= contacts
        free = company.free_mail or (is_contact and rng.random() < 0.05)
        local = f"{names.slug(given)}.{names.slug(family)}"
        if free:
            host = names.FREE_MAIL[int(rng.integers(len(names.FREE_MAIL)))]
            email = f"{local}.{company.index}@{host}"
        else:
            email = f"{local}@{company.domain}"
        if email in taken:
            email = email.replace("@", f"{number}@")
        taken.add(email)
        met = company.met_day + (0 if number == 0 else int(rng.exponential(60)))
        early = rng.random() < (0.45 if grows else 0.75)
        joins = begins + int(rng.exponential(12) if early else rng.uniform(20, 500))
        leaves = joins + 20 + int(rng.exponential(900))
        made.append(
            Person(
                number,
                given,
                family,
                email,
                names.TITLES[int(rng.integers(len(names.TITLES)))],
                met if is_contact else None,
                joins if is_user else None,
                leaves if leaves < horizon_days else None,
            )
        )
    return made
