"""What the people of the made-up companies answer when they are asked how satisfied they are.

Two programmes ask. `feedback` is run by a survey tool: every customer's users and contacts, each
quarter how likely they are to recommend (NPS, 0 to 10), and now and then how satisfied they are
(CSAT, 1 to 5). `crm` is run by sales out of the CRM and reaches its contacts only. Most people do
not answer. Before a company decides to leave, its people answer lower, but not in every company.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sandbox.universe.billing import Customer
from sandbox.universe.calendar import DAY
from sandbox.universe.chance import fraction, stream
from sandbox.universe.companies import Company
from sandbox.universe.people import Person

SCALES = {"nps": (0, 10), "csat": (1, 5)}
PROGRAMMES = ("feedback", "crm")
_EVERY_DAYS = {"feedback": 90, "crm": 120}
# Of the users who are no contacts, so many are asked each time.
_USERS_ASKED = 0.35
# Of the companies that leave of their own will, so many say so beforehand, over so many days.
SPEAK_UP = 0.75
_SOURS_OVER_DAYS = 150
_COMMENTS = {
    "good": ("Does what we need.", "Great support!", "最高です — would not miss it.",
             "Our team likes it", "Solid."),
    "fair": ("Fine, but reports are slow.", "OK", "Missing an export, otherwise good.", "So-so…"),
    "bad": ("Too expensive for what we use.", "We had three outages this month.\nNobody called.",
            "Support takes days", "Looking at alternatives, \"sorry\".", "👎"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says from `at` on (epoch seconds), on the scale of its instrument."""

    at: int
    score: int
    comment: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """One person's answer to one survey; `number` is unique among all answers."""

    number: int
    programme: str
    instrument: str
    company: Company
    person: Person
    sent_at: int
    versions: tuple[Said, ...]

    @property
    def responded_at(self) -> int:
        """When it was first answered, epoch seconds."""
        return self.versions[0].at

    def at(self, now: int) -> Said:
        """Return what it says at a moment not before `responded_at`."""
        return next(said for said in reversed(self.versions) if said.at <= now)


def make_surveys(
    seed: int,
    start: int,
    days: int,
    companies: list[tuple[Company, list[Person]]],
    customers: list[Customer],
) -> list[Answer]:
    """Return every answer up to `days` after `start`, in the order in which they came."""
    ended = _ended_days(customers, start)
    answers = [
        answer
        for company, people in companies
        if company.signed_day is not None or company.in_product
        for programme in PROGRAMMES
        for answer in _of_company(seed, start, days, company, people, programme, ended)
    ]
    answers.sort(key=lambda answer: (answer.responded_at, answer.number))
    return answers


def _ended_days(customers: list[Customer], start: int) -> dict[int, int]:
    """Return the day on which each company that left had its last subscription end."""
    ends: dict[int, list[int | None]] = {}
    for customer in customers:
        found = [sub.ended_at for sub in customer.subscriptions]
        ends.setdefault(customer.company.index, []).extend(found)
    return {
        index: (max(end for end in found if end) - start) // DAY
        for index, found in ends.items()
        if found and all(found)
    }


def _of_company(
    seed: int,
    start: int,
    days: int,
    company: Company,
    people: list[Person],
    programme: str,
    ended: dict[int, int],
) -> Iterator[Answer]:
    number = PROGRAMMES.index(programme)
    every = _EVERY_DAYS[programme]
    begins = company.signed_day if company.signed_day is not None else company.met_day
    first = begins + 20 + int(every * fraction(seed, "survey", company.index, programme))
    last = min(days, ended.get(company.index, days))
    temper = stream(seed, "temper", company.index).normal(0, 1.2, len(people))
    for wave, day in enumerate(range(first, last, every)):
        rng = stream(seed, "surveys", company.index, number, wave)
        instrument = "csat" if wave % 3 == 1 else "nps"
        draws, noise = rng.random((5, len(people))), rng.normal(0, 1.3, len(people))
        for position, person in enumerate(people):
            asked, answers, when, revised, words = draws[:, position]
            if not _is_asked(person, day, programme, asked):
                continue
            if answers >= _rate(company, person, instrument):
                continue
            mood = _mood(seed, company, day) + temper[position] + noise[position]
            sent = start + day * DAY + 9 * 3600 + int(asked * 1800)
            at = sent + 60 + int(min(-np.log(1 - when) * 1.3, 20) * DAY)
            said = Said(at, _score(mood, instrument), _comment(mood, words))
            identity = ((company.index * 2 + number) * 100 + wave) * 1000 + person.number
            yield Answer(
                identity, programme, instrument, company, person, sent, _versions(said, revised)
            )


def _is_asked(person: Person, day: int, programme: str, draw: float) -> bool:
    contact = person.contact_day is not None and person.contact_day <= day
    if programme == "crm" or contact:
        return contact
    there = person.user_day is not None and person.user_day <= day
    left = person.leaves_day is not None and person.leaves_day <= day
    return there and not left and draw < _USERS_ASKED


def _rate(company: Company, person: Person, instrument: str) -> float:
    known = 0.1 if person.contact_day is not None else 0.0
    return 0.14 + 0.16 * company.quality + known + (0.05 if instrument == "csat" else 0.0)


def speaks_up(seed: int, company: Company) -> bool:
    """Return whether a company's people answer lower before it leaves of its own will."""
    return company.leaves_by == "voluntary" and fraction(seed, "speaks up", company.key) < SPEAK_UP


def _mood(seed: int, company: Company, day: int) -> float:
    """Return how content a company's people are on average, on the scale of 0 to 10."""
    mood = 4.6 + 5.4 * company.quality
    if company.leaving_day is not None and speaks_up(seed, company):
        soured = np.clip((day - company.leaving_day + _SOURS_OVER_DAYS) / _SOURS_OVER_DAYS, 0, 1)
        mood -= soured * (2.5 + 3.0 * fraction(seed, "sourness", company.key))
    return mood


def _score(mood: float, instrument: str) -> int:
    low, high = SCALES[instrument]
    return int(np.clip(round(low + (high - low) * mood / 10), low, high))


def _comment(mood: float, draw: float) -> str | None:
    if draw > 0.4:
        return None
    texts = _COMMENTS["good" if mood >= 8 else "fair" if mood >= 6 else "bad"]
    return texts[int(draw / 0.4 * len(texts)) % len(texts)]


def _versions(said: Said, draw: float) -> tuple[Said, ...]:
    """Return the answer and, seldom, what the person made of it some days later."""
    if draw >= 0.05:
        return (said,)
    lower = said.score - 1 if draw < 0.02 and said.score > 1 else said.score
    later = said.at + DAY + int(draw / 0.05 * 9 * DAY)
    return said, Said(later, lower, f"{said.comment or ''} Edit: we talked about it.".strip())
