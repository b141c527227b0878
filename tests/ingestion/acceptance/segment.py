"""Segment in the acceptance suite."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sandbox import Sandbox
from sandbox.universe.calendar import DAY
from sandbox.universe.events import user_id
from tests.ingestion.acceptance import Stands, stands

PAGE, SPAN = 7, 24 * 3600
WORLD = {"options": {"segment": {"page": PAGE, "hours_per_file": SPAN // 3600}}}
WITHOUT = {
    "soft_delete": "calls are not deleted",
    "hard_delete": "log files are not taken back when a user is deleted",
    "expire": "the keys of a bucket do not expire",
}
WRONG = {"bucket_url": "s3://somebody-elses/bucket"}
NOTICED = ("read_at",)
AGAIN = ("delete from pulls", "delete from files")


def counts(box: Sandbox) -> dict[str, int]:
    """Files that are written by now, and the calls in them, each message id once: of events, and of
    each new user one identify, one group and of a few one alias call."""
    start, now = box.world.frame.start, int(box.now.timestamp())
    files = (now - 600 - start) // SPAN
    until = start + files * SPAN
    ids: set[bytes] = set()
    usage = box.world.usage
    more = 0
    for number in range((until - start) // DAY + 1):
        day = box.world.events.day(number)
        ids.update(day.insert[day.received_ms < until * 1000].tolist())
        if start + number * DAY + 9 * 3600 < until:
            for row in (usage.joined == number).nonzero()[0]:
                company = usage.companies[int(usage.account[row])]
                user = user_id(company.index, usage.people[row].number)
                more += 2 + (zlib.crc32(user.encode()) % 20 == 0)
    return {"calls": len(ids) + more, "files": files}


def update(box: Sandbox) -> Iterator[Stands]:
    """A replay delivers a call again, today and from another version of its source."""
    day = box.world.events.day(60)
    message = f"ajs-{day.insert[0].decode()}"
    again = a_call(message, box.now - timedelta(days=30), projectId="replayed")
    box.put("segment", "calls", again)
    yield stands("calls", f"message_id = '{message}'", 1, source_id="replayed")


def late(box: Sandbox) -> Iterator[Stands]:
    """A phone that was offline for forty days."""
    box.put("segment", "calls", a_call("late", box.now - timedelta(days=40)))
    yield stands("calls", "message_id = 'late'", 1, occurred_at=box.now - timedelta(days=40))


def ties(box: Sandbox) -> Iterator[Stands]:
    """More files written in one second than a page of a listing shows, one call in two of them."""
    for number in [*range(2 * PAGE + 1), 0]:
        box.put("segment", "calls", a_call(f"tie {number}", box.now))
    yield stands("calls", "message_id like 'tie %'", 2 * PAGE + 1)


def merge(box: Sandbox) -> Iterator[Stands]:
    """An alias call."""
    call = a_call("merge", box.now, type="alias", userId="u_known", previousId="u_before")
    box.put("segment", "calls", call)
    yield stands("calls", "message_id = 'merge'", 1, previous_id="u_before", user_id="u_known")


def future(box: Sandbox) -> Iterator[Stands]:
    """A clock that is wrong by decades, and one that is by hours."""
    ahead = a_call("ahead", box.now + timedelta(hours=3))
    box.put("segment", "calls", [ahead, a_call("far", box.now.replace(year=2099))])
    yield stands("calls", "message_id = 'ahead'")
    yield stands("calls", "message_id = 'far'", 0)


def flip(box: Sandbox) -> str:
    """Times in words."""
    spoilt = {"receivedAt": "20 Nov 2026"}
    box.put("segment", "calls", [a_call(f"flip {n}", box.now) | spoilt for n in range(400)])
    return "calls"


def a_call(message: str, moment: datetime, **more: Any) -> dict[str, Any]:
    """A track call that happened at a moment; received when it is put."""
    stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": "track", "event": "report_viewed", "messageId": message, "userId": "u_late",
            "timestamp": stamp} | more  # fmt: skip
