"""What the product-analytics project holds at the clock: event lines by day, and user profiles."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from sandbox.clock import Clock
from sandbox.overlay import Overlay
from sandbox.universe.calendar import DAY, day_of
from sandbox.universe.crm import account_key
from sandbox.universe.events import user_id
from sandbox.universe.usage import EVENTS
from sandbox.universe.world import World

Json = dict[str, Any]
VENDOR = "mixpanel"
_CODES = {name: code for code, name in enumerate(EVENTS)}


class Store:
    """Reads the world and the overlay for one project in one time zone."""

    def __init__(self, world: World, overlay: Overlay, clock: Clock, zone: str) -> None:
        self._world, self._overlay, self._clock, self.zone = world, overlay, clock, zone
        self._first = day_of(world.frame.start)
        self._kept: tuple[tuple[int, int], list[Any]] | None = None

    @property
    def today(self) -> date:
        """The project's date at the clock."""
        return self._clock.now.astimezone(ZoneInfo(self.zone)).date()

    @property
    def first_day(self) -> date:
        """The day on which the project begins."""
        return self._first

    def put(self, resource: str, record: Any) -> None:
        """Insert a profile by its `$distinct_id`, or one event or a list of them."""
        if resource == "profiles":
            keyed = {"id": record.get("$distinct_id"), "profile": record}
            self._overlay.put(VENDOR, resource, keyed, self._clock.seconds, True)
            return
        for event in record if isinstance(record, list) else [record]:
            # events have no ids of their own, and the same one may arrive twice
            self._overlay.put(VENDOR, resource, {"event": event}, self._clock.seconds, False)

    def profile(self, identity: str) -> Json | None:
        """Return a copy of one profile."""
        found = (one for one in self.profiles() if one.get("$distinct_id") == identity)
        return next((dict(one) for one in found), None)

    def accounts(self) -> Iterator[tuple[str, str, str]]:
        """Yield (true company, group key, live) of every account of the made-up world by now."""
        usage = self._world.usage
        today = (self._clock.seconds - self._world.frame.start) // DAY
        for row, company in enumerate(usage.companies):
            key = account_key(company)
            joined = usage.joined[usage.account == row]
            if key and len(joined) and int(joined.min()) <= today:
                yield company.key, key, "live"

    def lines(
        self, day: date, events: list[str] | None, in_ms: bool, limit: int | None
    ) -> tuple[memoryview | bytes, int]:
        """Return a project day as NDJSON, as received by the clock, and how many lines it has."""
        number = (day - self._first).days
        now_ms = self._clock.seconds * 1000
        stream = self._world.events
        if events is None:
            found = stream.lines(number, self.zone, in_ms)
        else:
            wanted = [_CODES[name] for name in events if name in _CODES]
            drawn = stream.project_day(number, self.zone)
            chosen = drawn.take(np.nonzero(np.isin(drawn.kind, wanted))[0])
            found = stream.render(chosen, self.zone, in_ms)
        data, count = found.until(now_ms, limit)
        gone = self._overlay.layer(VENDOR, "events").removed
        if gone:
            kept = [line for line in bytes(data).splitlines(True)
                    if not any(identity.encode() in line for identity in gone)]  # fmt: skip
            data, count = memoryview(b"".join(kept)), len(kept)
        added = list(self._added(day, events))
        if limit is not None:
            added = added[: limit - count]
        return (b"".join([bytes(data), *added]), count + len(added)) if added else (data, count)

    def _added(self, day: date, events: list[str] | None) -> Iterator[bytes]:
        for put in self._overlay.layer(VENDOR, "events").put.values():
            line, when, name = _line(put.record["event"], put.at)
            if day_of(when) == day and (events is None or name in events):
                yield line

    def profiles(self) -> list[Any]:
        """Return every profile as `{$distinct_id, $properties}`, put ones as handed in."""
        state = (self._clock.seconds, self._overlay.version)
        if self._kept is None or self._kept[0] != state:
            self._kept = (state, self._profiles())
        return self._kept[1]

    def _profiles(self) -> list[Any]:
        layer = self._overlay.layer(VENDOR, "profiles")
        usage = self._world.usage
        today = (self._clock.seconds - self._world.frame.start) // DAY
        shown: list[Any] = []
        for row in np.nonzero(usage.joined <= today)[0]:
            company = usage.companies[int(usage.account[row])]
            person = usage.people[int(row)]
            identity = user_id(company.index, person.number)
            if identity in layer.put or identity in layer.removed:
                continue
            # some accounts never send names of people: all that is known of them is an id
            plain = zlib.crc32(identity.encode()) % 40 == 0
            last = min(today, int(usage.left[row]) - 1)
            properties: Json = {
                "$created": self._stamp(int(usage.joined[row]), 9 * 3600),
                "$last_seen": self._stamp(last, 8 * 3600 if last == today else 15 * 3600),
                "company_id": account_key(company),
                "plan": company.plan,
            }
            if not plain:
                properties |= {
                    "$email": person.email,
                    "$first_name": person.given,
                    "$last_name": person.family,
                }
            shown.append({"$distinct_id": identity, "$properties": properties})
        return shown + [put.record["profile"] for put in layer.put.values()]

    def _stamp(self, day: int, second: int) -> str:
        at = min(self._world.frame.start + day * DAY + second, self._clock.seconds)
        local = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(self.zone))
        return f"{local:%Y-%m-%dT%H:%M:%S}"

    def days(self, first: date, last: date) -> Iterator[date]:
        """Yield the days of a range, both ends included."""
        day = first
        while day <= last:
            yield day
            day += timedelta(days=1)


def _line(record: Any, put_at: int) -> tuple[bytes, int, str | None]:
    """Return a put event as a line, the moment it belongs to, and its name; raw text stays raw."""
    text = record
    if not isinstance(record, str):
        body = record
        if isinstance(record, dict) and "properties" not in record:
            inner = {key: value for key, value in record.items() if key != "event"}
            body = {"event": record.get("event", "page_viewed"), "properties": inner}
        text = json.dumps(body)
    when, name = put_at, None
    try:
        parsed = json.loads(text)
        name = parsed["event"]
        given = parsed["properties"]["time"]
        if isinstance(given, (int, float)) and 0 < given < 4_102_444_800:
            when = int(given)
    except (ValueError, TypeError, KeyError):
        pass
    return text.rstrip("\n").encode("utf-8", "surrogatepass") + b"\n", when, name
