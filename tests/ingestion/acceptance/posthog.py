"""PostHog in the acceptance suite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sandbox import Sandbox
from sandbox.universe.calendar import DAY
from sandbox.vendors.posthog.store import TEAM
from tests.ingestion.acceptance import Stands, stands

FILE = 200
WORLD = {"options": {"posthog": {"rows_per_file": FILE, "polls_until_done": 1}}}
WITHOUT = {
    "hard_delete": "an export does not tell which events were deleted",
    "expire": "a personal API key does not expire",
}
FAULTS = (
    "rate_limit",
    "server_error",
    "down",
    "cut_stream",
    "export_failed",
    "export_timed_out",
    "link_refused",
)


def counts(box: Sandbox) -> dict[str, int]:
    """Events taken in by now, each id once, and two ids of every user who has joined by now."""
    start, now = box.world.frame.start, int(box.now.timestamp())
    ids: set[bytes] = set()
    for number in range((now - start) // DAY + 1):
        day = box.world.events.day(number)
        ids.update(day.insert[day.received_ms < now * 1000].tolist())
    joined = start + box.world.usage.joined * DAY + 9 * 3600
    return {"events": len(ids), "persons": 2 * int((joined < now).sum())}


def update(box: Sandbox) -> Iterator[Stands]:
    """Another address, and a version that is behind it."""
    box.put("posthog", "persons", a_person("u_first", 3, email="after@example.com"))
    yield stands("persons", "distinct_id = 'u_first'", 1, email="after@example.com")


def late(box: Sandbox) -> Iterator[Stands]:
    """A phone that was offline for forty days."""
    happened = box.now - timedelta(days=40)
    box.put("posthog", "events", an_event("late", happened))
    yield stands("events", "uuid = 'late'", 1, timestamp=happened)


def ties(box: Sandbox) -> Iterator[Stands]:
    """More in one moment than a file holds, one of them twice."""
    moment = box.now - timedelta(minutes=30)
    numbers = [*range(FILE + 1), 0]
    box.put("posthog", "events", [an_event(f"tie {n}", moment) for n in numbers])
    yield stands("events", "uuid like 'tie %'", FILE + 1)


def soft_delete(box: Sandbox) -> Iterator[Stands]:
    """A person is deleted; what was known of it goes with it."""
    user = next(row["distinct_id"] for row in persons(box) if row["email"])
    box.archive("posthog", "persons", user)
    yield stands("persons", f"distinct_id = '{user}' and is_deleted", 1, email=None)


def merge(box: Sandbox) -> Iterator[Stands]:
    """An id that belonged to one person belongs to another from now on."""
    user = [row["distinct_id"] for row in persons(box) if row["email"]][1]
    box.put("posthog", "persons", a_person(user, 7, person_id="the other"))
    yield stands("persons", f"distinct_id = '{user}'", 1, person_id="the other")


def future(box: Sandbox) -> Iterator[Stands]:
    """A clock that is wrong by hours, and one that is by decades."""
    ahead, far = box.now + timedelta(hours=3), box.now.replace(year=2099)
    box.put("posthog", "events", [an_event("ahead", ahead), an_event("far", far)])
    yield stands("events", "uuid = 'ahead'")
    yield stands("events", "uuid = 'far'", 0)


def flip(box: Sandbox) -> str:
    """Times in words."""
    spoilt = {"timestamp": "20 Nov 2026"}
    box.put("posthog", "events", [an_event(f"flip {n}", box.now) | spoilt for n in range(400)])
    return "events"


def persons(box: Sandbox) -> Iterator[dict[str, Any]]:
    """The users of the world as the project knows them."""
    usage = box.world.usage
    for row in range(len(usage.people)):
        company = usage.companies[int(usage.account[row])]
        identity = f"u_{100_000 + company.index * 1000 + usage.people[row].number}"
        record = box.record("posthog", "persons", identity)
        if record:
            yield {"distinct_id": identity, "email": '"email"' in record["properties"]}


def an_event(uuid: str, moment: datetime, **more: Any) -> dict[str, Any]:
    """An event of one user, taken in just now."""
    return {
        "uuid": uuid,
        "event": "report_viewed",
        "distinct_id": "u_late",
        "person_id": "late",
        "properties": {"$groups": {"company": "late"}},
        "timestamp": moment.isoformat(),
    } | more


def a_person(distinct_id: str, version: int, **more: Any) -> dict[str, Any]:
    """One id of a person."""
    known = {"email": more.pop("email", None)}
    return {
        "team_id": TEAM,
        "distinct_id": distinct_id,
        "person_id": "first",
        "properties": known,
        "person_distinct_id_version": version,
        "person_version": 1,
        "created_at": "2026-11-01T00:00:00+00:00",
        "is_deleted": False,
    } | more
