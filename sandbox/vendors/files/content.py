"""The rows of every file that customer success keeps, up to the end of the world.

A row has the day on which somebody typed it. Most of what the files say follows what is true: the
people of customer success foresee most departures, not all of them, and see some that never come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from sandbox.universe.calendar import DAY, add_months, day_of, midnight
from sandbox.universe.chance import stream
from sandbox.universe.world import World
from sandbox.vendors.files.people import Relation, relations, written

Cells = dict[str, Any]
_RATES = (("EUR", 1.15), ("JPY", 0.0065), ("GBP", 1.33), ("USD", 1.0))
_COSTS = (("sales", 60_000), ("marketing", 42_000), ("cs", 25_000), ("cogs", 38_000))
_TARGETS = (("nrr", "all", 1.05), ("logo_churn_rate", "all", 0.015), ("grr", "high", 0.95))
_GOALS = ("Report to the board from live data", "Halve the time of the monthly close",
          "Roll out to every branch", "Replace the old spreadsheet")  # fmt: skip
_WISHES = ("Single sign-on", "Scheduled exports", "Dark mode", "Approval workflow", "Audit log",
           "Mobile app", "More chart types", "Bulk editing")  # fmt: skip
_NOTES = ("Asked for a second training", "New head of operations starts next month",
          "Happy with the reports, wants them by e-mail", "Budget is being reviewed")  # fmt: skip
_NOTES_JP = ("追加のトレーニングを希望", "来月から担当者が変わる予定", "予算の見直し中、要フォロー",
             "レポート機能に満足している")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One row of one file; `day` is when it was typed, `until` when it is taken back (None: never).

    A line that replaces another one stands behind it with the other's `until` as its day.
    """

    file: str
    day: int
    cells: Cells
    until: int | None = None


def lines_of(world: World) -> list[Line]:
    """Return the lines of every file, in the order in which they stand there."""
    known = relations(world)
    made: list[Line] = []
    for author in _AUTHORS:
        made += author(world, known)
    made.sort(key=lambda line: (line.file, line.day))
    return made


def _date(world: World, day: int) -> date:
    return day_of(world.frame.start) + timedelta(days=int(day))


def _months(world: World) -> Iterator[tuple[int, date]]:
    """Yield (day of the world, first day) of every month that begins in the world."""
    at = add_months(midnight(day_of(world.frame.start).replace(day=1)), 1)
    while at < world.frame.horizon:
        yield (at - world.frame.start) // DAY, day_of(at)
        at = add_months(at, 1)


def _sentiment(world: World, known: list[Relation]) -> Iterator[Line]:
    """Every month, of the larger customers, one colour."""
    months = list(_months(world))
    for relation in known:
        company = relation.company
        if company.plan == "starter":
            continue
        rng = stream(world.frame.seed, "sentiment", company.index)
        draws = rng.random((len(months), 3))
        # Some departures nobody sees coming.
        foreseen = company.leaves_by == "voluntary" and rng.random() < 0.75
        account = written(relation, rng)
        for (start, first), (mood, error, shift) in zip(months, draws, strict=True):
            day = start + int(shift * 26)
            if not relation.lasts(day):
                continue
            warned = foreseen and relation.notice is not None and relation.notice - 75 <= day
            told = relation.notice is not None and relation.notice <= day
            if told or warned:
                colour = "red" if told or mood < 0.55 else "yellow"
            elif error < 0.06:
                colour = "red" if mood < 0.4 else "yellow"
            else:
                colour = "green" if mood < 0.35 + 0.6 * company.quality else "yellow"
            cells = {
                "account": account,
                "sentiment": colour,
                "author": relation.csm,
                "given_on": _date(world, day),
                "reason": {"red": "Does not answer any more", "yellow": "Less contact"}.get(colour),
                "expires_on": None,
            }
            yield Line(f"csm_sentiment/{first:%Y-%m}.csv", day, cells)


def _objectives(world: World, known: list[Relation]) -> Iterator[Line]:
    for relation in known:
        company = relation.company
        if company.plan == "starter":
            continue
        rng = stream(world.frame.seed, "objectives", company.index)
        account = written(relation, rng)
        for number in range(1 + int(rng.integers(0, 3))):
            day = relation.begins + int(rng.integers(5, 40)) + 120 * number
            length = int(rng.integers(60, 180))
            met = day + int(length * rng.uniform(0.6, 1.4))
            reached = rng.random() < 0.25 + 0.7 * company.quality and relation.lasts(met)
            cells = {
                "account": account,
                "objective": _GOALS[(company.index + number) % len(_GOALS)],
                "status": "active",
                "owner": relation.csm,
                "created_on": _date(world, day),
                "target_on": _date(world, day + length),
                "met_on": None,
            }
            if not relation.lasts(day):
                break
            ends = met if reached else day + length + 45
            yield Line("success_plan_objectives.xlsx", day, cells, ends)
            closed: Cells = {"status": "met" if reached else "missed"}
            closed |= {"met_on": _date(world, met)} if reached else {}
            yield Line("success_plan_objectives.xlsx", ends, cells | closed)


def _overrides(world: World, known: list[Relation]) -> Iterator[Line]:
    """A cap where a customer told that it leaves; now and then a tier decided by hand."""
    for relation in known:
        rng = stream(world.frame.seed, "overrides", relation.company.index)
        account = written(relation, rng)
        draws = rng.random(3)
        if relation.notice is not None and draws[0] < 0.5:
            day = relation.notice + 1
            cells = {
                "account": account,
                "kind": "cap",
                "value": "25",
                "author": relation.csm,
                "reason": "Told us that they leave",
                "from_on": _date(world, day),
                "expires_on": _date(world, day + 60),
            }
            yield Line("score_overrides.csv", day, cells)
        if draws[1] < 0.04:
            day = relation.begins + 30
            cells = {
                "account": account,
                "touch_tier": "high",
                "author": relation.csm,
                "reason": "Reference customer",
                "from_on": _date(world, day),
                "expires_on": _date(world, day + 365) if draws[2] < 0.5 else None,
            }
            yield Line("tier_overrides.csv", day, cells)


def _identities(world: World, known: list[Relation]) -> Iterator[Line]:
    """Somebody has found out to whom a billing customer belongs that carried no id."""
    for relation in known:
        company = relation.company
        rng = stream(world.frame.seed, "identity overrides", company.index)
        if company.in_crm and rng.random() < 0.08:
            day = relation.begins + int(rng.integers(10, 60))
            cells = {
                "record_source": "stripe",
                "record_id": relation.customer,
                "account": f"hubspot:{21 * 10**9 + company.index * 10_000}",
                "action": "link",
                "author": "ops@vendor.example",
                "reason": "Looked up by hand",
                "valid_from": _date(world, day),
                "valid_to": None,
            }
            yield Line("identity_overrides.csv", day, cells)


def _touches(world: World, known: list[Relation]) -> Iterator[Line]:
    """Webinars, newsletters and help-centre views, by contact or by account."""
    kinds = ("newsletter", "webinar", "help_centre", "event", "training", "content")
    for relation in known:
        company = relation.company
        rng = stream(world.frame.seed, "touches", company.index)
        account = written(relation, rng)
        people = [one for one in world.people[company.index] if one.contact_day is not None]
        last = relation.ends if relation.ends is not None else world.days
        count = int((last - relation.begins) / 30 * (0.2 + 1.6 * company.quality))
        for at in np.sort(rng.uniform(relation.begins, last, max(count, 0))):
            day = int(at)
            kind = kinds[int(rng.choice(6, p=[0.4, 0.2, 0.2, 0.07, 0.06, 0.07]))]
            person = people[int(rng.integers(len(people)))] if people else None
            by_person = person is not None and rng.random() < 0.6
            moment = world.frame.start + int(at * DAY)
            cells = {
                "account": None if by_person else account,
                "contact_email": person.email if by_person and person else None,
                "type": kind,
                "occurred_at": f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}",
                "title": f"{kind.replace('_', ' ').capitalize()} {_date(world, day):%B %Y}",
            }
            yield Line(f"touches/{_date(world, day):%Y-%m}.jsonl", day + 1, cells)


def _community(world: World, known: list[Relation]) -> Iterator[Line]:
    kinds = ("question", "answer", "post", "accepted_answer", "meetup")
    for relation in known:
        company = relation.company
        rng = stream(world.frame.seed, "community", company.index)
        people = [one for one in world.people[company.index] if one.user_day is not None]
        if not people or rng.random() > 0.25 * company.quality:
            continue
        last = relation.ends if relation.ends is not None else world.days
        for at in np.sort(rng.uniform(relation.begins, last, 1 + int(rng.integers(0, 12)))):
            moment = world.frame.start + int(at * DAY)
            cells = {
                "account": None,
                "contact_email": people[int(rng.integers(len(people)))].email,
                "type": kinds[int(rng.integers(len(kinds)))],
                "occurred_at": datetime.fromtimestamp(moment, UTC),
                "title": "How do others do this?",
            }
            yield Line("community_activity.parquet", int(at) + 1, cells)


def _wishes(world: World, known: list[Relation]) -> Iterator[Line]:
    for relation in known:
        company = relation.company
        rng = stream(world.frame.seed, "feature requests", company.index)
        account = written(relation, rng)
        for number in rng.permutation(len(_WISHES))[: int(rng.integers(0, 3))]:
            day = relation.begins + int(rng.integers(20, 200))
            if not relation.lasts(day):
                continue
            shipped = 300 + 90 * int(number)
            cells = {
                "request_id": f"FR-{int(number) + 1}",
                "title": _WISHES[int(number)],
                "account": account,
                "status": "open",
                "votes": 1 + int(rng.integers(0, 9)),
                "requested_on": _date(world, day),
                "shipped_on": None,
                "release": None,
            }
            if day >= shipped:
                continue
            yield Line("feature_requests.csv", day, cells, shipped)
            done: Cells = {"status": "shipped", "shipped_on": _date(world, shipped)}
            yield Line("feature_requests.csv", shipped, cells | done | {"release": f"{number}.0"})


def _money(world: World, known: list[Relation]) -> Iterator[Line]:
    """Costs as finance exports them, with thousands separators; targets; this year's rates."""
    for number, (day, first) in enumerate(_months(world)):
        rng = stream(world.frame.seed, "costs", number)
        for kind, amount in _COSTS:
            spent = amount * (1 + 0.01 * number) * rng.uniform(0.9, 1.1)
            cells: Cells = {
                "month": f"{first:%Y-%m}",
                "kind": kind,
                "amount": f"{spent:,.2f}",
                "currency": "USD",
                "note": None,
            }
            yield Line("costs.csv", day + 8, cells)
        for metric, segment, target in _TARGETS:
            cells = {"metric": metric, "segment": segment, "month": f"{first:%Y-%m}"}
            yield Line("kpi_targets.csv", day - 20, cells | {"target": f"{target:.1%}"})
    for currency, rate in _RATES:
        cells = {"currency": currency, "valid_from": date(2026, 1, 1), "usd_per_unit": rate}
        yield Line("exchange_rates.csv", 0, cells)


def _notes(world: World, known: list[Relation]) -> Iterator[Line]:
    """Notes of conversations; those of the office in Tokyo are typed in Japanese."""
    for relation in known:
        company = relation.company
        rng = stream(world.frame.seed, "notes", company.index)
        tokyo = company.country == "JP"
        # Not every letter of a name can be written there.
        account = f"stripe:{relation.customer}" if tokyo else written(relation, rng)
        last = relation.ends if relation.ends is not None else world.days
        count = int((last - relation.begins) / 90)
        for at in np.sort(rng.uniform(relation.begins, last, max(count, 0))):
            cells = {
                "account": account,
                "noted_on": _date(world, int(at)),
                "author": relation.csm,
                "note": (_NOTES_JP if tokyo else _NOTES)[int(rng.integers(4))],
                "kind": ("note", "hearing", "interview", "review")[int(rng.integers(4))],
            }
            name = "account_notes/tokyo.csv" if tokyo else "account_notes/all.csv"
            yield Line(name, int(at), cells)


_AUTHORS: tuple[Callable[[World, list[Relation]], Iterator[Line]], ...] = (
    _sentiment, _objectives, _overrides, _identities, _touches, _community, _wishes, _money, _notes,
)  # fmt: skip
