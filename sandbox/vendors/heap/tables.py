"""The rows of Heap's tables: events by the name that somebody labelled them with, sessions, users
and which of them were merged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sandbox.universe.arrivals import Arrivals
from sandbox.universe.calendar import DAY
from sandbox.universe.chance import fraction
from sandbox.universe.crm import account_key
from sandbox.universe.events import DayEvents, user_id
from sandbox.universe.usage import EVENTS, INTEGRATIONS
from sandbox.universe.world import World
from sandbox.vendors.heap import avro

OWN_NAMES = {"page_viewed": "pageviews"}
EVENT_TABLES = tuple(OWN_NAMES.get(name, name) for name in EVENTS)
TABLES = ("users", "sessions", "user_migrations", "all_events", *EVENT_TABLES)
# Whose definition is changed now and then: each leaves out another twentieth of the users.
REDEFINED = ("pageviews", "settings_changed")
_FIRST_INTEGRATION = len(EVENTS) - 2
# A column that came later, and one that went.
BROWSER_SINCE, LIBRARY_UNTIL = 10, 25
_WITH_IDS = [("event_id", "long"), ("user_id", "long"), ("session_id", "long"),
             ("time", avro.MOMENT)]  # fmt: skip


class Tables:
    """Every row of every table of a world, by when it came in."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._arrivals = Arrivals(world.events, world.frame.start)

    def fields(self, table: str, place: int) -> list[tuple[str, Any]]:
        """The columns of a table in the nth dump."""
        if table == "users":
            names = ("identity", "email", "company_id")
            texts = [(name, "string") for name in names]
            return [("user_id", "long"), *texts, ("joindate", avro.MOMENT),
                    ("last_modified", avro.MOMENT)]  # fmt: skip
        if table == "user_migrations":
            return [("from_user_id", "long"), ("to_user_id", "long"), ("time", avro.MOMENT)]
        if table == "sessions":
            return [("session_id", "long"), ("user_id", "long"), ("time", avro.MOMENT)]
        if table == "all_events":
            return [*_WITH_IDS, ("event_table_name", "string")]
        texts = [("company_id", "string")]
        if place < LIBRARY_UNTIL:
            texts.append(("library", "string"))
        if place >= BROWSER_SINCE:
            texts.append(("browser", "string"))
        if table in EVENT_TABLES[_FIRST_INTEGRATION:]:
            texts.append(("integration", "string"))
        return [*_WITH_IDS, *texts]

    def rows(
        self,
        wanted: Sequence[str],
        first: int,
        until: int,
        place: int,
        version: int,
        removed: Sequence[int],
    ) -> dict[str, Any]:
        """The encoded records of tables, of what came in from `first` on and before `until`, but
        for the `removed` events."""
        made: dict[str, Any] = {}
        events = self._arrivals.between(first, until)
        if removed:
            events = events.take(np.nonzero(~np.isin(event_ids(events), removed))[0])
        for table in wanted:
            if table == "users":
                made[table] = [
                    avro.number(row["user_id"])
                    + avro.text(row["identity"])
                    + avro.text(row["email"])
                    + avro.text(row["company_id"])
                    + avro.number(row["joindate"])
                    + avro.number(row["last_modified"])
                    for row in self.users(first, until)
                ]
            elif table == "user_migrations":
                made[table] = [
                    avro.number(one) + avro.number(other) + avro.number(at * 1000)
                    for one, other, at in self.migrations(first, until)
                ]
            elif table == "sessions":
                made[table] = self._sessions(events)
            elif table == "all_events":
                named = [avro.text(name) for name in EVENT_TABLES]
                names = pa.array(named, pa.binary()).take(pa.array(events.kind))
                made[table] = avro.records(*self._keys(events), names)
            else:
                mine = events.kind == EVENT_TABLES.index(table)
                if table in REDEFINED:
                    mine &= events.user % 20 != version % 20
                made[table] = self._events(events.take(np.nonzero(mine)[0]), table, place)
        return made

    def users(self, first: int, until: int) -> Iterator[dict[str, Any]]:
        """Every user, known or not, that was first seen in a span of time."""
        for row, ids in enumerate(self._ids):
            joined = self._joined(row)
            if not first <= joined < until:
                continue
            person, company = self._person(row)
            at = joined * 1000
            named = fraction(self._world.frame.seed, "heap nameless", ids["user"]) >= 0.025
            yield {
                "user_id": ids["known"],
                "identity": ids["user"],
                "email": person.email if named else None,
                "company_id": account_key(company),
                "joindate": at,
                "last_modified": at,
            }
            for unknown in ids["unknown"]:
                yield {
                    "user_id": unknown, "identity": None, "email": None, "company_id": None,
                    "joindate": at, "last_modified": at,
                }  # fmt: skip

    def user(self, identity: str, now: int) -> dict[str, Any] | None:
        """One user by the vendor's id."""
        found = self.users(self._world.frame.start, now)
        return next((row for row in found if str(row["user_id"]) == identity), None)

    def migrations(self, first: int, until: int) -> Iterator[tuple[int, int, int]]:
        """Which unknown user turned out to be which other one, and when."""
        for row, ids in enumerate(self._ids):
            chain = [*ids["unknown"], ids["known"]]
            for step, (one, other) in enumerate(pairwise(chain)):
                at = self._joined(row) + ids["waits"] * (step + 1)
                if first <= at < until:
                    yield one, other, at

    @cached_property
    def _ids(self) -> list[dict[str, Any]]:
        """The vendor's ids of each user: known, and unknown ones in the order of their merging."""
        seed, found = self._world.frame.seed, []
        for row in range(len(self._world.usage.people)):
            person, company = self._person(row)
            user = user_id(company.index, person.number)
            made = mixed(np.array([int(user[2:])]) * 4 + np.arange(3), seed)
            twice = fraction(seed, "heap twice", user) < 0.15
            wait = fraction(seed, "heap wait", user)
            found.append({
                "user": user,
                "known": int(made[0]),
                "unknown": [int(made[2]), int(made[1])] if twice else [int(made[1])],
                "waits": 60 if wait < 0.6 else int(wait * 40 * DAY),
            })  # fmt: skip
        return found

    @cached_property
    def _numbers(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The vendor's ids of users, when known and when not."""
        known = np.array([ids["known"] for ids in self._ids], np.int64)
        return known, np.array([ids["unknown"][0] for ids in self._ids], np.int64)

    @cached_property
    def _companies(self) -> pa.Array:
        usage = self._world.usage
        keys = [avro.text(account_key(company)) for company in usage.companies]
        known = [keys[int(account)] for account in usage.account]
        return pa.array([*known, avro.text(None)], pa.binary())

    def _person(self, row: int) -> tuple[Any, Any]:
        usage = self._world.usage
        return usage.people[row], usage.companies[int(usage.account[row])]

    def _joined(self, row: int) -> int:
        return self._world.frame.start + int(self._world.usage.joined[row]) * DAY + 9 * 3600

    def _keys(self, events: DayEvents) -> list[Any]:
        known, unknown = self._numbers
        user = np.where(events.known, known[events.user], unknown[events.user])
        number = event_ids(events)
        time = events.time * 1000 + number % 1000
        return [avro.longs(one) for one in (number, user, self._session(events), time)]

    def _session(self, events: DayEvents) -> NDArray[np.int64]:
        return mixed(events.user * 100_000 + events.time // DAY, 2)

    def _sessions(self, events: DayEvents) -> Any:
        known, unknown = self._numbers
        user = np.where(events.known, known[events.user], unknown[events.user])
        session = self._session(events)
        _, rows = np.unique(np.stack([session, user]), axis=1, return_index=True)
        # A session that goes on in the next dump begins at the same moment there.
        begin = (events.time // DAY * DAY * 1000 + session % 3_600_000)[rows]
        return avro.records(avro.longs(session[rows]), avro.longs(user[rows]), avro.longs(begin))

    def _events(self, events: DayEvents, table: str, place: int) -> Any:
        unnamed = len(self._companies) - 1
        company = self._companies.take(pa.array(np.where(events.known, events.user, unnamed)))
        columns = [*self._keys(events), company]
        if place < LIBRARY_UNTIL:
            columns.append(avro.text("web"))
        if place >= BROWSER_SINCE:
            browsers = pa.array([avro.text(name) for name in ("Chrome", "Safari", "Firefox")])
            columns.append(browsers.take(pa.array(events.user % 3)))
        if table in EVENT_TABLES[_FIRST_INTEGRATION:]:
            names = pa.array([avro.text(name) for name in INTEGRATIONS])
            columns.append(names.take(pa.array(events.integration)))
        return avro.records(*columns)


def event_ids(events: DayEvents) -> NDArray[np.int64]:
    """Return the vendor's ids of events; a copy carries that of its original."""
    halves = events.insert.view(np.uint64).reshape(-1, 2).astype(np.int64)
    return mixed(halves[:, 0] ^ (halves[:, 1] << 1), 1)


def mixed(values: NDArray[np.int64], salt: int) -> NDArray[np.int64]:
    """Return numbers of 53 bits that belong to `values` and `salt` and look like none."""
    one = values.astype(np.uint64) + np.uint64(salt * 0x9E3779B97F4A7C15 % 2**64)
    one = (one ^ (one >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    one = (one ^ (one >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((one ^ (one >> np.uint64(31))) >> np.uint64(11)).astype(np.int64)


def written_by_hand(rows: list[dict[str, Any]], codec: str) -> bytes:
    """A file of rows that a test put, typed by what they hold; nested values are JSON text."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    fields: list[tuple[str, Any]] = []
    columns = []
    for name in names:
        values = [row.get(name) for row in rows]
        given = [value for value in values if value is not None]
        if given and all(isinstance(value, int) and not isinstance(value, bool) for value in given):
            fields.append((name, "long"))
            columns.append([avro.number(value) for value in values])
        else:
            fields.append((name, "string"))
            columns.append([avro.text(_shown(value)) for value in values])
    return avro.file(fields, [b"".join(one) for one in zip(*columns, strict=True)], codec)


def _shown(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
