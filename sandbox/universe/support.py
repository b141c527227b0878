"""What the people of each company ask for help with: tickets as lives in time, vendor-neutral.

Unhappy companies write more, worse and more urgent tickets before they leave, but not all of them
do; some that stay grumble as loudly for a while; every week is noisy. A help desk has the tickets
that came by email or web, a messenger those that came by chat.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sandbox.universe import names
from sandbox.universe.calendar import DAY
from sandbox.universe.chance import fraction, stream
from sandbox.universe.companies import Company
from sandbox.universe.contracts import Subscription
from sandbox.universe.people import Person
from sandbox.universe.signing import Frame

Value = TypeVar("Value")
HOUR = 3600
AGENTS = 6
CHANNELS = ("email", "web", "chat")
PRIORITIES = ("low", "normal", "high", "urgent")
TOPICS = {
    "question": ("How do I invite a teammate?", "Where do I find last month's report?",
                 "Can two teams share a dashboard?", "What does this column mean?"),
    "bug": ("Export stays empty", "Report shows yesterday's numbers twice", "Import stops at 80 %",
            "Charts do not load on Monday mornings"),
    "outage": ("Nobody can log in", "All workflows have stopped", "API answers 500 for an hour"),
    "billing": ("Invoice has the wrong address", "Please explain this charge",
                "Can we pay by bank transfer?"),
    "integration": ("Sync with our CRM is stuck", "Webhook arrives twice", "Single sign-on fails"),
    "leaving": ("How do we export everything?", "How do we cancel?"),
}  # fmt: skip
_KINDS = ("question", "bug", "outage", "billing", "integration")
_CALM, _CROSS = (0.46, 0.21, 0.03, 0.16, 0.14), (0.2, 0.38, 0.12, 0.12, 0.18)
_WEEKDAYS = np.array([1.25, 1.2, 1.15, 1.1, 0.95, 0.15, 0.12])


@dataclass(frozen=True, slots=True)
class Agent:
    """One person who answers tickets; `number` counts from 0."""

    number: int
    given: str
    family: str
    email: str


@dataclass(frozen=True, slots=True)
class Rating:
    """What the requester thought of the help: 1 (bad) to 5 (good), with a word or without."""

    at: int
    score: int
    comment: str | None

    @property
    def good(self) -> bool:
        """Return whether a good-or-bad scale calls it good."""
        return self.score >= 4


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request for help with its whole life; times are epoch seconds, None is never.

    `number` counts the tickets of a company from 0, by the days on which they were created.
    `statuses` and `priorities` are (moment, value from then on), oldest first, the first at
    `created`: open, waiting (for the requester) or solved; a priority of PRIORITIES, None as long
    as nobody gave one. `replies` are (moment, whether an agent wrote), without the first message.
    `ratings` are versions of one rating: people change their minds. `deleted`: an agent threw it
    away.
    """

    company: Company
    number: int
    person: Person
    agent: int
    channel: str
    topic: str
    subject: str
    created: int
    statuses: tuple[tuple[int, str], ...]
    priorities: tuple[tuple[int, str | None], ...]
    replies: tuple[tuple[int, bool], ...]
    ratings: tuple[Rating, ...]
    deleted: int | None

    @property
    def first_reply(self) -> int | None:
        """Return when an agent first answered."""
        return next((at for at, by_agent in self.replies if by_agent), None)

    @property
    def solved(self) -> tuple[int, ...]:
        """Return every moment at which it was solved, again after each reopening."""
        return tuple(at for at, status in self.statuses if status == "solved")

    @property
    def reopened(self) -> tuple[int, ...]:
        """Return every moment at which it left the solved state."""
        pairs = zip(self.statuses, self.statuses[1:], strict=False)
        return tuple(after[0] for before, after in pairs if before[1] == "solved")

    def status(self, at: int) -> str | None:
        """Return open, waiting or solved at a moment, None before the ticket exists."""
        return _last(self.statuses, at)

    def priority(self, at: int) -> str | None:
        """Return the priority at a moment, None when there was none."""
        return _last(self.priorities, at)

    def rating(self, at: int) -> Rating | None:
        """Return the rating as it stood at a moment."""
        return next((one for one in reversed(self.ratings) if one.at <= at), None)

    def changes(self) -> list[int]:
        """Return every moment at which anything about it changed, in order, each once."""
        moments = {self.created, *(at for at, _ in self.statuses)}
        moments.update(at for at, _ in self.priorities)
        moments.update(at for at, _ in self.replies)
        moments.update(one.at for one in self.ratings)
        moments.update([self.deleted] if self.deleted else [])
        return sorted(moments)


def _last(values: Sequence[tuple[int, Value]], at: int) -> Value | None:
    return next((value for since, value in reversed(values) if since <= at), None)


def agents(seed: int) -> list[Agent]:
    """Return the people who answer tickets."""
    rng = stream(seed, "agents")
    made = []
    for number in range(AGENTS):
        given, family = names.person(rng)
        email = f"{names.slug(given)}.{names.slug(family)}.{number}@vendor.example"
        made.append(Agent(number, given, family, email))
    return made


def complains_first(seed: int, company: Company) -> bool:
    """Return whether a company's tickets get more and worse before it leaves."""
    share = {"voluntary": 0.7, "involuntary": 0.15}.get(company.leaves_by or "", 0.0)
    return fraction(seed, "complains", company.index) < share


def make_tickets(
    frame: Frame, everybody: Iterable[tuple[Company, list[Person], list[Subscription]]]
) -> list[Ticket]:
    """Return the tickets of all companies in the order in which they were created."""
    made: list[Ticket] = []
    for company, people, subs in everybody:
        made += _of_company(frame, company, people, subs)
    made.sort(key=lambda ticket: (ticket.created, ticket.company.index, ticket.number))
    return made


def _of_company(
    frame: Frame, company: Company, people: list[Person], subs: list[Subscription]
) -> list[Ticket]:
    if not people or not (subs or company.in_product):
        return []
    days = (frame.horizon - frame.start) // DAY
    there = _there(frame, company, subs, days)
    cross = _crossness(frame, company, subs, days)
    # a stream each, so that a longer world draws the same for the days of a shorter one
    noisy, counted = (stream(frame.seed, name, company.index) for name in ("noise", "tickets"))
    age = np.arange(days) - int(np.argmax(there))
    temper = counted.gamma(3.0, 1 / 3)
    rate = 0.0042 * min(company.seats, 150) ** 0.77 * temper * (1.35 - 0.6 * company.quality)
    weekday = (np.arange(days) + frame.start // DAY + 3) % 7
    noise = np.repeat(noisy.gamma(1.6, 1 / 1.6, days // 7 + 1), 7)[:days]
    levels = rate * (1 + 1.6 * np.exp(-np.clip(age, 0, None) / 25)) * noise * _WEEKDAYS[weekday]
    counts = counted.poisson(np.where(there, levels * (1 + 3.2 * cross), 0))
    made: list[Ticket] = []
    for day in np.repeat(np.arange(days), counts):
        ticket = _ticket(frame, company, people, len(made), int(day), float(cross[day]))
        if ticket is not None:
            made.append(ticket)
    made.sort(key=lambda ticket: (ticket.created, ticket.number))
    return made


def _there(
    frame: Frame, company: Company, subs: list[Subscription], days: int
) -> NDArray[np.bool_]:
    """Return on which days the company is a customer, or at least uses the product."""
    there = np.zeros(days, bool)
    if not subs:
        there[company.met_day :] = True
    for sub in subs:
        ends = days if sub.ended_at is None else (sub.ended_at - frame.start) // DAY + 5
        there[(sub.created - frame.start) // DAY : ends] = True
    return there


def _crossness(
    frame: Frame, company: Company, subs: list[Subscription], days: int
) -> NDArray[np.float64]:
    """Return how cross the company is on each day, 0 to 1."""
    rng = stream(frame.seed, "crossness", company.index)
    day = np.arange(days)
    length, peak = int(rng.integers(45, 120)), rng.uniform(0.5, 1.0)
    spell = (rng.random() < 0.12, int(rng.integers(60, 900)), int(rng.integers(20, 70)))
    cross = np.zeros(days)
    if spell[0]:  # loud for a while for reasons of its own, whether it stays or not
        since = company.met_day + spell[1]
        cross[since : since + spell[2]] = peak
    notices = [sub.notice_at for sub in subs if sub.notice_at is not None]
    if notices and complains_first(frame.seed, company):
        notice = (min(notices) - frame.start) // DAY
        ramp = peak * np.clip((day - (notice - length)) / (length * 0.6), 0, 1)
        cross = np.maximum(cross, np.where(day <= notice + 10, ramp, 0))
    return cross


def _ticket(
    frame: Frame, company: Company, people: list[Person], number: int, day: int, cross: float
) -> Ticket | None:
    rng = stream(frame.seed, "ticket", company.index, number)
    present = [one for one in people if _is_there(one, day)]
    created = frame.start + day * DAY + int(np.clip(rng.normal(13.5, 3.2), 0.1, 23.8) * HOUR)
    if not present or created >= frame.horizon:
        return None
    # a few people write most of what a company writes
    person = present[int(len(present) * rng.random() ** 2.2)]
    mix = np.array(_CALM) * (1 - cross) + np.array(_CROSS) * cross
    topic = _KINDS[int(np.searchsorted(np.cumsum(mix), rng.random() * mix.sum()))]
    if cross > 0.45 and rng.random() < 0.06:
        topic = "leaving"
    subjects = TOPICS[topic]
    priorities = _priorities(rng, created, topic, cross)
    statuses, replies = _life(rng, created, priorities, cross)
    spam = rng.random() < 0.012
    return Ticket(
        company, number, person, int(rng.integers(AGENTS)),
        CHANNELS[int(rng.choice(3, p=[0.4, 0.25, 0.35]))], topic,
        subjects[int(rng.integers(len(subjects)))], created, statuses, priorities, replies,
        () if spam else _ratings(rng, company, statuses, replies, created, cross),
        statuses[-1][0] + int(rng.integers(1, 40 * 24)) * HOUR if spam else None,
    )  # fmt: skip


def _is_there(person: Person, day: int) -> bool:
    begins = [first for first in (person.contact_day, person.user_day) if first is not None]
    return min(begins) <= day and (person.leaves_day is None or day < person.leaves_day)


def _priorities(
    rng: np.random.Generator, created: int, topic: str, cross: float
) -> tuple[tuple[int, str | None], ...]:
    base = {"question": 0.7, "bug": 1.5, "outage": 2.7, "billing": 0.9, "integration": 1.4,
            "leaving": 1.6}[topic]  # fmt: skip
    level = int(np.clip(round(base + cross * 0.7 + 0.6 * rng.standard_normal()), 0, 3))
    made: list[tuple[int, str | None]] = [(created, PRIORITIES[level])]
    if rng.random() < 0.25:
        at = created + 60 + int(rng.exponential(2 * HOUR))
        made = [(created, None), (at, PRIORITIES[level])]
    if rng.random() < 0.07 + 0.2 * cross and level < 3:
        made.append((made[-1][0] + int(rng.exponential(20 * HOUR)) + 600, PRIORITIES[level + 1]))
    elif rng.random() < 0.05 and level:
        made.append((made[-1][0] + int(rng.exponential(20 * HOUR)) + 600, PRIORITIES[level - 1]))
    return tuple(made)


def _life(
    rng: np.random.Generator,
    created: int,
    priorities: tuple[tuple[int, str | None], ...],
    cross: float,
) -> tuple[tuple[tuple[int, str], ...], tuple[tuple[int, bool], ...]]:
    """Return the statuses and the replies from the first message to the last solution."""
    first = PRIORITIES.index(next(value for _, value in priorities if value))
    patience = (9.0, 5.0, 2.2, 0.7)[first] * (1 + 0.8 * cross)

    def wait(hours: float) -> int:
        return max(120, int(hours * HOUR * np.exp(0.9 * rng.standard_normal())))

    statuses: list[tuple[int, str]] = [(created, "open")]
    replies: list[tuple[int, bool]] = []
    at = created + wait(patience)
    if rng.random() < 0.015:  # overlooked for weeks
        at += int(rng.integers(5, 40)) * DAY
    replies.append((at, True))
    while rng.random() < 0.42 + 0.15 * cross and len(replies) < 14:
        statuses.append((at, "waiting"))
        at += wait(14)
        if rng.random() < 0.2:  # the requester never comes back
            at += 4 * DAY
            break
        statuses.append((at, "open"))
        replies.append((at, False))
        at += wait(patience * 1.5)
        replies.append((at, True))
    at += wait(patience * 0.6) if rng.random() < 0.6 else 60
    if rng.random() < 0.01:  # nobody ever solves it
        return tuple(statuses), tuple(replies)
    statuses.append((at, "solved"))
    while rng.random() < 0.08 + 0.22 * cross and len(statuses) < 30:
        at += wait(20)
        statuses.append((at, "open"))
        replies.append((at, False))
        at += wait(patience)
        replies.append((at, True))
        at += wait(patience)
        statuses.append((at, "solved"))
    return tuple(statuses), tuple(replies)


def _ratings(
    rng: np.random.Generator,
    company: Company,
    statuses: tuple[tuple[int, str], ...],
    replies: tuple[tuple[int, bool], ...],
    created: int,
    cross: float,
) -> tuple[Rating, ...]:
    at, status = statuses[-1]
    if status != "solved" or rng.random() > 0.33:
        return ()
    slow = min(1.0, (replies[0][0] - created) / (2 * DAY))
    again = sum(1 for _, name in statuses if name == "solved") - 1
    mean = 4.5 + 0.5 * (company.quality - 0.6) - 0.9 * slow - 0.6 * again - 1.6 * cross
    score = int(np.clip(round(mean + 0.9 * rng.standard_normal()), 1, 5))
    words = ("Thank you!", "Quick and friendly") if score >= 4 else ("Took too long", "Not solved")
    comment = words[int(rng.integers(2))] if rng.random() < 0.3 else None
    made = [Rating(at + 300 + int(rng.exponential(1.2 * DAY)), score, comment)]
    if rng.random() < 0.05:
        other = int(np.clip(score + (2 if rng.random() < 0.5 else -2), 1, 5))
        later = made[0].at + HOUR + int(rng.uniform(0, 20) * DAY)
        made.append(Rating(later, other, "On second thoughts"))
    return tuple(made)
