"""Mixpanel in the acceptance suite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sandbox import Sandbox
from sandbox.universe.calendar import DAY
from sandbox.universe.events import user_id
from sandbox.vendors.mixpanel.routes import PAGE_SIZE
from tests.ingestion.acceptance import Stands, stands

WITHOUT = {
    "soft_delete": "nothing is deleted softly",
    "expire": "a service account does not expire",
}
FAULTS = ("rate_limit", "server_error", "down", "cut_stream", "terminated_early")
# Seconds since 1970 of a moment that no day of an export is about.
YEAR_2100 = 4_102_444_801


def counts(box: Sandbox) -> dict[str, int]:
    """Events received by now, duplicates and all, and users who have joined by now."""
    now, start = int(box.now.timestamp()), box.world.frame.start
    today = (now - start) // DAY
    days = (box.world.events.lines(day, "UTC", False) for day in range(today + 1))
    return {
        "events": sum(day.until(now * 1000)[1] for day in days),
        "profiles": int((box.world.usage.joined <= today).sum()),
    }


def update(box: Sandbox) -> Iterator[Stands]:
    """Another address."""
    put_profile(box, "u_first", "before@example.com")
    put_profile(box, "u_first", "after@example.com")
    yield stands("profiles", "distinct_id = 'u_first'", 1, email="after@example.com")


def late(box: Sandbox) -> Iterator[Stands]:
    """A phone that was offline for three days."""
    box.put("mixpanel", "events", [an_event("late", box.now - timedelta(days=3))])
    yield stands("events", "insert_id = 'late'")


def ties(box: Sandbox) -> Iterator[Stands]:
    """A page of profiles and one more, and one event sent three times, in one second each."""
    for number in range(PAGE_SIZE + 1):
        put_profile(box, f"u_tie_{number}", f"{number}@example.com")
    yield stands("profiles", "distinct_id like 'u_tie_%'", PAGE_SIZE + 1)
    box.put("mixpanel", "events", [an_event("tie", box.now - timedelta(hours=9))] * 3)
    yield stands("events", "insert_id = 'tie'", 3)


def hard_delete(box: Sandbox) -> Iterator[Stands]:
    """A user who is forgotten."""
    usage = box.world.usage
    user = user_id(usage.companies[int(usage.account[0])].index, usage.people[0].number)
    box.remove("mixpanel", "profiles", user)
    yield stands("profiles", f"distinct_id = '{user}'", 0)


def merge(box: Sandbox) -> Iterator[Stands]:
    """A device turns out to be a known user: the export tells its past under another id."""
    moment = box.now - timedelta(days=2)
    box.put("mixpanel", "events", [an_event("merged", moment, distinct_id="u_known")])
    yield stands("events", "insert_id = 'merged'", 1, distinct_id="u_known")


def future(box: Sandbox) -> Iterator[Stands]:
    """A clock that is wrong by decades, and one that is by hours: that one is only waited for."""
    box.put("mixpanel", "events", [an_event("ahead", box.now + timedelta(hours=3))])
    yield stands("events", "insert_id = 'ahead'")
    wrong = an_event("far", box.now)
    wrong["properties"]["time"] = YEAR_2100
    box.put("mixpanel", "events", [wrong])
    yield stands("events", "insert_id = 'far'", 0)


def flip(box: Sandbox) -> str:
    """Times in words."""
    spoilt = an_event("flip", box.now)
    spoilt["properties"]["time"] = "20 Nov 2026"
    box.put("mixpanel", "events", [spoilt] * 400)
    return "time"


def an_event(insert_id: str, moment: datetime, **more: Any) -> dict[str, Any]:
    """An event of one user."""
    properties = {"time": int(moment.timestamp()), "distinct_id": "u_late", "$insert_id": insert_id}
    return {"event": "report_viewed", "properties": properties | more}


def put_profile(box: Sandbox, user: str, email: str) -> None:
    """Makes or changes the profile of one user."""
    properties = {"$email": email, "$created": box.now.strftime("%Y-%m-%dT%H:%M:%S")}
    box.put("mixpanel", "profiles", {"$distinct_id": user, "$properties": properties})
