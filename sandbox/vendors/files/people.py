"""What customer success knows of the companies of the world: who is a customer, who will leave, and
how the people of customer success write them down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sandbox.universe import names
from sandbox.universe.calendar import DAY
from sandbox.universe.chance import fraction
from sandbox.universe.companies import Company
from sandbox.universe.crm import account_key, company_id
from sandbox.universe.world import World


@dataclass(frozen=True, slots=True)
class Relation:
    """A paying company: days of the world on which it began, told that it leaves, and left."""

    company: Company
    customer: str
    begins: int
    notice: int | None
    ends: int | None
    csm: str

    def lasts(self, day: int) -> bool:
        """Return whether it is a customer on a day."""
        return self.begins <= day and (self.ends is None or day < self.ends)


def relations(world: World) -> list[Relation]:
    """Return the paying companies in the order of their index."""
    made: dict[int, Relation] = {}
    for customer in world.customers:
        company = customer.company
        if company.index in made or not customer.subscriptions:
            continue
        subs = customer.subscriptions
        notice = [sub.notice_at for sub in subs if sub.notice_at]
        ends = [sub.ended_at for sub in subs]
        owner = world.owners[int(fraction(world.frame.seed, "csm", company.index) * 8)]
        made[company.index] = Relation(
            company,
            customer.id,
            _day(world, min(sub.created for sub in subs)),
            _day(world, min(notice)) if notice else None,
            _day(world, max(end for end in ends if end)) if all(ends) else None,
            owner.email,
        )
    return [made[index] for index in sorted(made)]


def written(relation: Relation, rng: np.random.Generator) -> str:
    """Return the account as a person types it into a cell: an id, a domain, a name, now and then
    a name that nobody else uses."""
    company = relation.company
    crm, product = company_id(company), account_key(company)
    draw = rng.random()
    if draw < 0.45 and crm:
        return f"hubspot:{crm}"
    if draw < 0.75 and not company.free_mail:
        return company.domain
    if draw < 0.83:
        return f"stripe:{relation.customer}"
    if draw < 0.88 and product:
        return f"mixpanel:{product}"
    if draw < 0.97:
        return names.written(company.name, company.legal_short, company.legal_long, 0)
    return f"{company.name} (old)"


def _day(world: World, epoch: int) -> int:
    return (epoch - world.frame.start) // DAY
