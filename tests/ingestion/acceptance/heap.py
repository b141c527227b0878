"""Heap in the acceptance suite. What happens to a record shows with the dump of the next night."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sandbox import Sandbox
from sandbox.universe.calendar import DAY, add_months
from sandbox.universe.chance import fraction
from sandbox.universe.events import user_id
from sandbox.universe.usage import EVENTS
from sandbox.universe.world import MONTHS_AFTER
from sandbox.vendors.heap.tables import EVENT_TABLES, REDEFINED, event_ids
from tests.ingestion.acceptance import Stands, stands

CONNECTED, AGAIN_EVERY = 8, 6
WORLD = {"options": {"heap": {"connected_days": CONNECTED, "redefined_every": AGAIN_EVERY}}}
WITHOUT = {
    "soft_delete": "dumps hold no deleted rows",
    "expire": "the keys of a bucket do not expire",
}
UNSEEN = {"events": "is_removed"}
WRONG = {"bucket_url": "s3://somebody-elses"}
# Which dump a row came with last.
NOTICED = ("part", "dump_id", "dumped_at")
AGAIN = ("delete from pulls", "delete from dumps")


def counts(box: Sandbox) -> dict[str, int]:
    """What had come in when the newest dump was made. Two tables were dumped anew by then, with a
    definition that leaves out another twentieth of the users."""
    frame, usage = box.world.frame, box.world.usage
    first = add_months(frame.horizon, -MONTHS_AFTER) - CONNECTED * DAY + 4 * 3600
    newest = (int(box.now.timestamp()) - 2400 - first) // DAY
    full = [n for n in range(newest + 1) if n == 0 or n % AGAIN_EVERY == AGAIN_EVERY * 2 // 3]
    until = first + newest * DAY
    events, sessions = set(), set()
    for number in range((until - frame.start) // DAY + 1):
        day = box.world.events.day(number)
        for row in (day.received_ms < until * 1000).nonzero()[0]:
            user = int(day.user[row])
            sessions.add((user, number, bool(day.known[row])))
            name = EVENT_TABLES[day.kind[row]]
            if name not in REDEFINED or user % 20 != len(full):
                events.add((name, day.insert[row]))
    users = migrations = 0
    for row in range(len(usage.people)):
        company = usage.companies[int(usage.account[row])]
        user_key = user_id(company.index, usage.people[row].number)
        steps = 2 if fraction(frame.seed, "heap twice", user_key) < 0.15 else 1
        wait = fraction(frame.seed, "heap wait", user_key)
        apart = 60 if wait < 0.6 else int(wait * 40 * DAY)
        joined = frame.start + int(usage.joined[row]) * DAY + 9 * 3600
        users += (1 + steps) * (joined < until)
        migrations += sum(joined + apart * (n + 1) < until for n in range(steps))
    return {
        "dumps": (3 + len(EVENTS)) * (newest + 1),
        "users": users,
        "sessions": len(sessions),
        "user_migrations": migrations,
        "events": len(events),
    }


def update(box: Sandbox) -> Iterator[Stands]:
    """Another address, in two dumps."""
    for email in ("before@example.com", "after@example.com"):
        box.put("heap", "users", {"user_id": 77, "identity": "u_first", "email": email})
        box.advance(days=1)
    yield stands("users", "user_id = '77'", 1, email="after@example.com")


def late(box: Sandbox) -> Iterator[Stands]:
    """A phone that was offline for forty days."""
    happened = box.now - timedelta(days=40)
    box.put("heap", "events", an_event(1, happened))
    box.advance(days=1)
    yield stands("events", "event_id = '1'", 1, time=happened)


def ties(box: Sandbox) -> Iterator[Stands]:
    """A hundred in one moment, one of them twice and once more in the next dump."""
    moment = box.now
    box.put("heap", "events", [an_event(1000 + n, moment) for n in (*range(100), 0)])
    box.advance(days=1)
    box.put("heap", "events", an_event(1000, moment))
    box.advance(days=1)
    yield stands("events", "event_id::bigint between 1000 and 1099", 100)


def hard_delete(box: Sandbox) -> Iterator[Stands]:
    """A definition that no longer holds an event; all others are dumped anew with it."""
    day, kind = box.world.events.day(60), EVENTS.index("report_viewed")
    (gone, kept, *_) = event_ids(day)[day.kind == kind].tolist()
    box.remove("heap", "events", str(gone))
    box.put("heap", "dumps", {"id": next_dump(box), "full": ["report_viewed"]})
    box.advance(days=1)
    yield stands("events", f"event_id = '{gone}'", 0)
    yield stands("events", f"event_id = '{kept}' and part = 'report_viewed/{next_dump(box) - 1}'")


def merge(box: Sandbox) -> Iterator[Stands]:
    """An unknown user turns out to be a known one."""
    merged = {"from_user_id": 78, "to_user_id": 77, "time": milliseconds(box.now)}
    box.put("heap", "user_migrations", merged)
    box.advance(days=1)
    yield stands("user_migrations", "from_user_id = '78'", 1, to_user_id="77")


def future(box: Sandbox) -> Iterator[Stands]:
    """A clock that is wrong by hours, and one that is by decades."""
    ahead, far = box.now + timedelta(hours=3), box.now.replace(year=2099)
    box.put("heap", "events", [an_event(2, ahead), an_event(3, far)])
    yield stands("events", "event_id = '2'")
    yield stands("events", "event_id = '3'", 0)


def flip(box: Sandbox) -> str:
    """Times in words."""
    many = [an_event(5000 + n, box.now) | {"time": "20 Nov 2026"} for n in range(400)]
    box.put("heap", "events", many)
    box.advance(days=1)
    return "events"


def next_dump(box: Sandbox) -> int:
    """The number of the dump that is made next."""
    keys = box._services["heap"]._dumps.newest
    return keys + 1


def an_event(number: int, moment: datetime) -> dict[str, Any]:
    """An event of one user."""
    return {
        "event_table": "report_viewed",
        "event_id": number,
        "user_id": 77,
        "session_id": 5,
        "time": milliseconds(moment),
        "company_id": "late",
    }


def milliseconds(moment: datetime) -> int:
    """A moment as dumps have it."""
    return int(moment.timestamp() * 1000)
