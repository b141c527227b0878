"""What one Amplitude project can export at the clock: event lines by hour of upload."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sandbox.clock import Clock
from sandbox.overlay import Overlay
from sandbox.universe.arrivals import (
    Arrivals,
    accounts_in_product,
    joined_between,
    line_of,
    lines_of,
    stamps,
    texts_of,
)
from sandbox.universe.calendar import DAY
from sandbox.universe.chance import token
from sandbox.universe.crm import account_key
from sandbox.universe.events import DayEvents, user_id
from sandbox.universe.usage import EVENTS, INTEGRATIONS
from sandbox.universe.world import World

VENDOR = "amplitude"
APP = 412_340
HOUR = 3600
# An hour can be exported two hours after it has ended.
LATENCY_HOURS = 3
# A packed event in an archive, about.
BYTES_PER_EVENT = 130
_FORM = "%Y-%m-%d %H:%M:%S"
_SERVER_SIDE = EVENTS.index("api_call")
_PLAIN = len(EVENTS) - 2


class Store:
    """Reads the world and the overlay as one project."""

    def __init__(self, world: World, overlay: Overlay, clock: Clock, part_lines: int) -> None:
        self._world, self._overlay, self._clock = world, overlay, clock
        self._part_lines = part_lines
        self._arrivals = Arrivals(world.events, world.frame.start)
        self._users: tuple[pa.StringArray, pa.StringArray] | None = None

    @property
    def first_hour(self) -> datetime:
        """When the project begins."""
        return datetime.fromtimestamp(self._world.frame.start, UTC)

    def put(self, records: Any) -> None:
        """Insert one event or a list of them: objects, completed as needed, or raw lines."""
        for record in records if isinstance(records, list) else [records]:
            self._overlay.put(VENDOR, "events", {"event": record}, self._clock.seconds, False)

    def accounts(self) -> Iterator[tuple[str, str, str]]:
        """Yield the account records of the made-up world."""
        return accounts_in_product(self._world, self._clock.seconds)

    def count(self, first: int, until: int) -> int:
        """Return about how many events an export of these hours has; it may say too many."""
        until = min(until, self._ready)
        events = len(self._arrivals.between(first, until).user) if first < until else 0
        return events + len(self._overlay.layer(VENDOR, "events").put)

    def files(self, first: int, until: int) -> Iterator[tuple[str, bytes]]:
        """Yield name and packed content of the files of some hours, from `first` until `until`;
        hours without events have none."""
        for hour in range(max(first, self._world.frame.start), min(until, self._ready), HOUR):
            lines = self._lines(hour)
            day = datetime.fromtimestamp(hour, UTC)
            for part in range(0, len(lines), self._part_lines):
                name = f"{APP}/{APP}_{day:%Y-%m-%d}_{day.hour}#{part // self._part_lines}.json.gz"
                body = b"".join(lines[part : part + self._part_lines])
                yield name, gzip.compress(body, 1, mtime=0)

    @property
    def _ready(self) -> int:
        return (self._clock.seconds // HOUR - LATENCY_HOURS + 1) * HOUR

    def _lines(self, hour: int) -> list[bytes]:
        events = self._arrivals.between(hour, hour + HOUR)
        # What comes a second time with the same insert id is dropped when it is received.
        events = events.take(np.nonzero(~(events.repeated & events.has_id))[0])
        data, _ = self._render(events)
        lines = [*bytes(data).splitlines(True), *self._identifications(hour), *self._ads(hour)]
        layer = self._overlay.layer(VENDOR, "events")
        for put in layer.put.values():
            if self._hour_of(put.record["event"], put.at) == hour:
                lines.append(self._line(put.record["event"], put.at))
        if layer.removed:
            gone = [identity.encode() for identity in layer.removed]
            lines = [line for line in lines if not any(one in line for one in gone)]
        return lines

    def _render(self, events: DayEvents) -> tuple[memoryview, NDArray[np.int64]]:
        if not len(events.user):
            return memoryview(b""), np.zeros(0, np.int64)
        if self._users is None:
            self._users = self._user_texts()
        known, unknown = self._users
        users = np.where(events.known, events.user, events.user + len(known))
        moment = events.time * 1000 + events.received_ms % 1000
        happened, received = stamps(moment, _FORM, "us"), stamps(events.received_ms, _FORM, "us")
        server = events.known & (events.kind == _SERVER_SIDE)
        session = np.where(server, -1, (events.time - events.time % 1800) * 1000)
        variant = np.where(
            events.kind < _PLAIN,
            events.kind,
            _PLAIN + (events.kind - _PLAIN) * len(INTEGRATIONS) + events.integration,
        )
        insert = np.where(events.has_id, _quoted(events.insert), b"null")
        return lines_of([
            '{"server_received_time":"', received, '","app":' + str(APP) + ',"device_carrier":null',
            pa.concat_arrays([known, unknown]).take(pa.array(users)),
            ',"uuid":"', _uuids(events), '","event_time":"', happened,
            '","client_event_time":"', happened, '","client_upload_time":"', received,
            '","processed_time":"', received, '","server_upload_time":"', received,
            '","session_id":', texts_of(session), ',"$insert_id":', texts_of(insert),
            ',"event_id":', texts_of(events.time % 100_000), _KINDS.take(pa.array(variant)),
            ',"data":{"path":"/2/httpapi"},"group_properties":{},"version_name":null,"paying":null,'
            '"dma":null,"ip_address":"203.0.113.7","os_name":"Chrome","os_version":"130",'
            '"device_family":"Linux","device_type":"Linux","start_version":null,'
            '"location_lat":null,"location_lng":null,"amplitude_attribution_ids":null,'
            '"sample_rate":null,"language":"English","region":null,"library":"amplitude-ts/2.0"}\n',
        ])  # fmt: skip

    def _user_texts(self) -> tuple[pa.StringArray, pa.StringArray]:
        known, unknown = [], []
        usage = self._world.usage
        for row in range(len(usage.people)):
            device, amplitude_id = self._device(row), 500_000_000 + row
            country = usage.companies[int(usage.account[row])].country
            place = f'"country":"{country}","city":null,"platform":"Web","device_id":"{device}"'
            shown = json.dumps(self._person(row), separators=(",", ":"))[1:-1]
            known.append(f',{place},"amplitude_id":{amplitude_id},{shown}')
            unknown.append(
                f',{place},"amplitude_id":{amplitude_id + 400_000_000},"user_id":null,'
                '"user_properties":{},"groups":{}'
            )
        return pa.array(known, pa.string()), pa.array(unknown, pa.string())

    def _device(self, row: int) -> str:
        usage = self._world.usage
        company = usage.companies[int(usage.account[row])]
        return f"d-{company.index:x}-{usage.people[row].number:x}"

    def _person(self, row: int) -> dict[str, Any]:
        usage = self._world.usage
        company, person = usage.companies[int(usage.account[row])], usage.people[row]
        return {
            "user_id": user_id(company.index, person.number),
            "user_properties": {
                "email": person.email,
                "first_name": person.given,
                "last_name": person.family,
                "plan": company.plan,
            },
            "groups": {"company": [account_key(company)]},
        }

    def _identifications(self, hour: int) -> Iterator[bytes]:
        for row, at in joined_between(self._world, hour, hour + HOUR):
            about = self._person(row) | {"device_id": self._device(row)}
            yield self._line(
                about
                | {
                    "event_type": "$identify",
                    "amplitude_id": 500_000_000 + row,
                    "uuid": _made_uuid("identify", row),
                    "$insert_id": f"identify-{row}",
                    "session_id": at * 1000,
                },
                at,
            )

    def _ads(self, hour: int) -> Iterator[bytes]:
        """Ad networks write their daily cost into the stream of events, as nobody's."""
        if hour % DAY != 6 * HOUR:
            return
        number = hour // DAY
        yield self._line(
            {
                "event_type": "Daily Ad Metrics",
                "uuid": _made_uuid("ads", number),
                "amplitude_id": 900_000_001,
                "event_properties": {
                    "ad_platform": "google",
                    "ad_metrics.cost": 40 + number % 17,
                    "ad_metrics.clicks": 90 + number % 29,
                },
            },
            hour + 600,
        )

    def _hour_of(self, record: Any, put_at: int) -> int:
        try:
            text = json.loads(record)["server_upload_time"] if isinstance(record, str) else (
                record["server_upload_time"])  # fmt: skip
            moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
            return int(moment.timestamp()) // HOUR * HOUR
        except (ValueError, TypeError, KeyError, OverflowError):
            return put_at // HOUR * HOUR

    def _line(self, record: Any, at: int) -> bytes:
        now = f"{datetime.fromtimestamp(at, UTC):{_FORM}.%f}"
        times = (
            "server_received_time event_time client_event_time client_upload_time "
            "processed_time server_upload_time"
        )
        defaults: dict[str, Any] = dict.fromkeys(times.split(), now) | {
            "app": APP, "user_id": None, "device_id": None, "amplitude_id": 900_000_000,
            "$insert_id": None, "event_type": "page_viewed", "session_id": -1, "platform": "Web",
            "groups": {}, "event_properties": {}, "user_properties": {}, "group_properties": {},
            "data": {"path": "/2/httpapi"}, "library": "http/2.0",
        }  # fmt: skip
        return line_of(record, defaults)


def _quoted(texts: NDArray[np.bytes_]) -> NDArray[np.bytes_]:
    return np.char.add(np.char.add(b'"', texts), b'"')


def _uuids(events: DayEvents) -> pa.StringArray:
    """A uuid per event from its insert id; a second sending has another variant."""
    text = np.ascontiguousarray(events.insert.astype("S16")).view(np.uint8).reshape(-1, 16)
    shape = np.frombuffer(b"xxxxxxxx-xxxx-4a63-8xxx-0242ac11000x", np.uint8)
    made = np.tile(shape, (len(text), 1))
    made[:, np.nonzero(shape == ord("x"))[0]] = text
    made[:, 19] = np.where(events.repeated, ord("9"), ord("8"))
    return texts_of(np.ascontiguousarray(made).view("S36").ravel())


def _made_uuid(*parts: object) -> str:
    text = token("", 0, *parts, length=12).encode().hex()[:12]
    return f"00000000-0000-4a63-8000-{text}"


def _kinds() -> pa.StringArray:
    """The members that depend on the kind of event; those of integrations for each of them."""

    def shown(event: str, properties: str) -> str:
        return f',"event_type":"{event}","event_properties":{properties}'

    found = [shown(event, "{}") for event in EVENTS[:_PLAIN]]
    for event in EVENTS[_PLAIN:]:
        found += [shown(event, f'{{"integration":"{name}"}}') for name in INTEGRATIONS]
    return pa.array(found, pa.string())


_KINDS = _kinds()
