"""What lies in the bucket at the clock: log files by day of receipt, each with some hours of it."""

from __future__ import annotations

import gzip
import hashlib
import json
import tempfile
import threading
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sandbox.clock import Clock
from sandbox.overlay import Overlay
from sandbox.s3 import Stat
from sandbox.universe.arrivals import (
    Arrivals,
    accounts_in_product,
    joined_between,
    line_of,
    lines_of,
    stamps,
    texts_of,
)
from sandbox.universe.calendar import day_of, iso_ms, midnight
from sandbox.universe.chance import token
from sandbox.universe.crm import account_key
from sandbox.universe.events import DayEvents, user_id
from sandbox.universe.usage import EVENTS, INTEGRATIONS
from sandbox.universe.world import World

VENDOR = "segment"
PREFIX = "acme"
SOURCE_ID = "qZ1wEbApp7"
HOUR = 3600
# A file is written so many seconds after its hours have ended.
WRITTEN_AFTER = 600
_FORM = "%Y-%m-%dT%H:%M:%SZ"
_PLAIN = len(EVENTS) - 2


class Logs:
    """The bucket: reads the world and the overlay as one workspace with one source."""

    def __init__(self, world: World, overlay: Overlay, clock: Clock, hours: int) -> None:
        self._world, self._overlay, self._clock = world, overlay, clock
        self._span = hours * HOUR
        self._arrivals = Arrivals(world.events, world.frame.start)
        self._users: tuple[pa.StringArray, pa.StringArray] | None = None
        self._names: tuple[list[str], dict[str, int]] | None = None
        self._stats: dict[str, Stat] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()

    @property
    def first_day(self) -> date:
        """The day on which the logs begin."""
        return day_of(self._world.frame.start)

    def put(self, resource: str, record: Any) -> None:
        """Add one file: of calls, or as it is handed in."""
        now = self._clock.seconds
        folder = self._folder_of(now)
        number = len(self._overlay.layer(VENDOR, "files").put)
        if resource == "files":
            name, body = record["name"], record["body"]
        else:
            calls = record if isinstance(record, list) else [record]
            name = f"{now * 1000}.put{number:04}.gz"
            body = gzip.compress(b"".join(self._line(call, now) for call in calls), mtime=0)
        kept = {"id": folder + name, "body": body}
        self._overlay.put(VENDOR, "files", kept, now, False)

    def accounts(self) -> Iterator[tuple[str, str, str]]:
        """Yield the account records of the made-up world."""
        return accounts_in_product(self._world, self._clock.seconds)

    # ---- what the endpoint asks ----

    def keys(self) -> list[str]:
        """Return every key at the clock, sorted."""
        names, begins = self._all_names()
        there = bisect_right(names, self._clock.seconds, key=lambda key: self._written(begins[key]))
        layer = self._overlay.layer(VENDOR, "files")
        if not layer.put and not layer.removed:
            return names[:there]
        return sorted({*names[:there], *layer.put} - layer.removed.keys())

    def stat(self, key: str) -> Stat:
        """Return what a listing says of one file."""
        put = self._overlay.layer(VENDOR, "files").put.get(key)
        if put is None and not self._gone and key in self._stats:
            return self._stats[key]
        body = self.body(key)
        assert body is not None
        at = put.at if put else self._written(self._all_names()[1][key])
        made = Stat(len(body), hashlib.md5(body).hexdigest(), at)
        if put is None and not self._gone:
            self._stats[key] = made
        return made

    def body(self, key: str) -> bytes | None:
        """Return a file as it is stored; made files are kept on disk."""
        put = self._overlay.layer(VENDOR, "files").put.get(key)
        if put:
            return self._without_gone(put.record["body"])
        begin = self._all_names()[1].get(key)
        if begin is None:
            return None
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="sandbox-segment-")
            kept = Path(self._folder.name) / str(begin)
            if not kept.exists():
                kept.write_bytes(gzip.compress(self._calls(begin), 1, mtime=0))
        return self._without_gone(kept.read_bytes())

    def headers(self, key: str) -> Mapping[str, str]:
        """Return the headers with which Segment writes its files."""
        return {"Content-Type": "text/plain", "Content-Encoding": "gzip"}

    # ---- inside ----

    @property
    def _gone(self) -> list[bytes]:
        return [identity.encode() for identity in self._overlay.layer(VENDOR, "calls").removed]

    def _without_gone(self, body: bytes) -> bytes:
        gone = self._gone
        if not gone or not body.startswith(b"\x1f\x8b"):
            return body
        lines = gzip.decompress(body).splitlines(True)
        kept = [line for line in lines if not any(identity in line for identity in gone)]
        return body if len(kept) == len(lines) else gzip.compress(b"".join(kept), 1, mtime=0)

    def _folder_of(self, moment: int) -> str:
        return f"{PREFIX}/segment-logs/{SOURCE_ID}/{midnight(day_of(moment)) * 1000}/"

    def _written(self, begin: int) -> int:
        return begin + self._span + WRITTEN_AFTER

    def _all_names(self) -> tuple[list[str], dict[str, int]]:
        """Every key that there will ever be, and the moment at which its calls begin."""
        if self._names is None:
            frame = self._world.frame
            begins = {}
            for begin in range(frame.start, frame.horizon, self._span):
                name = f"{(begin + self._span) * 1000}.{token('', frame.seed, 'log', begin)}.1.gz"
                begins[self._folder_of(begin) + name] = begin
            self._names = (sorted(begins), begins)
        return self._names

    def _calls(self, begin: int) -> bytes:
        until = begin + self._span
        data, _ = lines_of(self._parts(self._arrivals.between(begin, until)))
        return bytes(data) + b"".join(self._identities(begin, until))

    def _parts(self, events: DayEvents) -> list[Any]:
        if self._users is None:
            self._users = self._user_texts()
        known, unknown = self._users
        users = np.where(events.known, events.user, events.user + len(known))
        variant = np.where(
            events.kind < _PLAIN,
            events.kind,
            _PLAIN + (events.kind - _PLAIN) * len(INTEGRATIONS) + events.integration,
        )
        moment = events.time * 1000 + events.received_ms % 1000
        # The clocks of clients are wrong by up to two minutes; the vendor takes that out again.
        skew = (events.user * 37 % 240 - 120) * 1000
        return [
            _KINDS.take(pa.array(variant)),
            ',"messageId":"ajs-', texts_of(events.insert), '"',
            pa.concat_arrays([known, unknown]).take(pa.array(users)),
            ',"originalTimestamp":"', stamps(moment + skew, _FORM),
            '","sentAt":"', stamps(events.received_ms + skew, _FORM),
            '","receivedAt":"', stamps(events.received_ms, _FORM),
            '","timestamp":"', stamps(moment, _FORM),
            '","channel":"client","projectId":"' + SOURCE_ID + '","integrations":{},"version":2}\n',
        ]  # fmt: skip

    def _user_texts(self) -> tuple[pa.StringArray, pa.StringArray]:
        known, unknown = [], []
        usage = self._world.usage
        library = '"library":{"name":"analytics.js","version":"2.1"},"ip":"203.0.113.7","traits":{}'
        for row, person in enumerate(usage.people):
            company = usage.companies[int(usage.account[row])]
            device = f',"anonymousId":"d-{company.index:x}-{person.number:x}"'
            known.append(
                f'{device},"userId":"{user_id(company.index, person.number)}",'
                f'"context":{{"groupId":"{account_key(company)}",{library}}}'
            )
            unknown.append(f'{device},"context":{{{library}}}')
        return pa.array(known, pa.string()), pa.array(unknown, pa.string())

    def _identities(self, begin: int, until: int) -> Iterator[bytes]:
        """Who a new user is, and which account they belong to; of a few, what they were before."""
        for row, at in joined_between(self._world, begin, until):
            usage = self._world.usage
            company, person = usage.companies[int(usage.account[row])], usage.people[row]
            user = user_id(company.index, person.number)
            device = f"d-{company.index:x}-{person.number:x}"
            common = {"userId": user, "anonymousId": device}
            traits = {
                "email": person.email, "first_name": person.given, "last_name": person.family,
                "plan": company.plan,
            }  # fmt: skip
            yield self._line(
                {"type": "identify", "messageId": f"identify-{row}", "traits": traits} | common, at
            )
            yield self._line(
                {"type": "group", "messageId": f"group-{row}", "groupId": account_key(company),
                 "traits": {"name": company.name, "employees": company.seats * 3}} | common,
                at + 1,
            )  # fmt: skip
            if zlib.crc32(user.encode()) % 20 == 0:
                yield self._line(
                    {"type": "alias", "messageId": f"alias-{row}", "userId": user,
                     "previousId": f"trial-{user}"},
                    at + 2,
                )  # fmt: skip

    def _line(self, call: Any, at: int) -> bytes:
        now = iso_ms(at * 1000)
        defaults = dict.fromkeys(("originalTimestamp", "sentAt", "receivedAt", "timestamp"), now)
        rest = {"type": "track", "context": {}, "channel": "server", "projectId": SOURCE_ID}
        if isinstance(call, dict) and call.get("type", "track") == "track":
            rest |= {"event": "page_viewed", "properties": {}}
        return line_of(call, defaults | rest)


def _kinds() -> pa.StringArray:
    """The members that depend on the kind of event; those of integrations for each of them."""
    found = []
    for event in EVENTS[:_PLAIN]:
        if event == "page_viewed":
            found.append('{"type":"page","name":"Home","properties":{"path":"/home"}')
        else:
            found.append(f'{{"type":"track","event":"{event}","properties":{{}}')
    for event in EVENTS[_PLAIN:]:
        for name in INTEGRATIONS:
            properties = json.dumps({"integration": name}, separators=(",", ":"))
            found.append(f'{{"type":"track","event":"{event}","properties":{properties}')
    return pa.array(found, pa.string())


_KINDS = _kinds()
