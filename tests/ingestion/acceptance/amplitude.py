"""Amplitude in the acceptance suite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sandbox import Sandbox
from sandbox.universe.calendar import DAY
from tests.ingestion.acceptance import Stands, stands

PART = 50
WORLD = {"options": {"amplitude": {"part_lines": PART}}}
WITHOUT = {
    "update": "an event that was exported is never changed",
    "soft_delete": "events are not deleted",
    "hard_delete": "an export does not tell what was deleted for privacy",
    "merge": "merged ids are not in the export",
    "expire": "the keys of a project do not expire",
}
FAULTS = ("rate_limit", "server_error", "down", "cut_stream", "timeout", "not_a_zip")


def counts(box: Sandbox) -> dict[str, int]:
    """Events uploaded in hours that can be exported by now; what was sent twice with one insert id
    counts once. One event more per new user and per day of advertising."""
    start, now = box.world.frame.start, int(box.now.timestamp())
    ready = now // 3600 * 3600 - 2 * 3600
    days = range((ready - start) // DAY + 1)
    found = 0
    for number in days:
        day = box.world.events.day(number)
        found += int(((day.received_ms < ready * 1000) & ~(day.repeated & day.has_id)).sum())
        found += start + number * DAY + 6 * 3600 < ready
        if start + number * DAY + 9 * 3600 < ready:
            found += int((box.world.usage.joined == number).sum())
    return {"events": found}


def late(box: Sandbox) -> Iterator[Stands]:
    """Turns up in an hour that was exported before; it happened on a phone forty days ago."""
    uploaded = box.now - timedelta(hours=10)
    box.put("amplitude", "events", an_event("late", uploaded, box.now - timedelta(days=40)))
    yield stands("events", "uuid = 'late'", 1, server_upload_time=uploaded)


def ties(box: Sandbox) -> Iterator[Stands]:
    """More in one moment than a file of the archive holds, and one of them twice."""
    uploaded = box.now - timedelta(hours=9)
    numbers = [*range(2 * PART + 1), 0]
    box.put("amplitude", "events", [an_event(f"tie {one}", uploaded, uploaded) for one in numbers])
    yield stands("events", "uuid like 'tie %'", 2 * PART + 1)


def future(box: Sandbox) -> Iterator[Stands]:
    """A clock that is wrong by decades, and one that is by hours: that one is only waited for."""
    uploaded = box.now - timedelta(hours=5)
    box.put("amplitude", "events", an_event("ahead", uploaded, box.now + timedelta(hours=3)))
    yield stands("events", "uuid = 'ahead'")
    far = an_event("far", uploaded, box.now) | {"event_time": "2099-01-01 00:00:00.000000"}
    box.put("amplitude", "events", far)
    yield stands("events", "uuid = 'far'", 0)


def flip(box: Sandbox) -> str:
    """Times in words."""
    uploaded = box.now - timedelta(hours=5)
    spoilt = {"event_time": "20 Nov 2026"}
    many = [an_event(f"flip {one}", uploaded, uploaded) | spoilt for one in range(400)]
    box.put("amplitude", "events", many)
    return "events"


def an_event(uuid: str, uploaded: datetime, happened: datetime, **more: Any) -> dict[str, Any]:
    """An event of one user."""
    return {
        "uuid": uuid,
        "event_type": "report_viewed",
        "user_id": "u_late",
        "server_upload_time": f"{uploaded:%Y-%m-%d %H:%M:%S.%f}",
        "event_time": f"{happened:%Y-%m-%d %H:%M:%S.%f}",
        **more,
    }
