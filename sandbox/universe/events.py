"""Product events, one day at a time, as arrays and as the bytes that the vendor exports."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sandbox.universe.calendar import DAY
from sandbox.universe.chance import stream
from sandbox.universe.crm import account_key
from sandbox.universe.usage import CORE, EVENTS, INTEGRATIONS, Usage, integrations_of

_NOON_HOUR = {"US": 18.0, "GB": 12.5, "DE": 11.5, "FR": 11.5, "NL": 11.5, "JP": 4.5}
_CITY = {
    "US": "Austin",
    "GB": "Leeds",
    "DE": "Bremen",
    "FR": "Lyon",
    "NL": "Utrecht",
    "JP": "Osaka",
}
_HEX = np.array([f"{byte:02x}" for byte in range(256)], "S2")
_PLAIN = len(EVENTS) - 2
_KEPT_DAYS = 40
MAX_DELAY_DAYS = 12


@dataclass(slots=True)
class DayEvents:
    """The events that happened on one UTC day, in the order in which the vendor received them."""

    kind: NDArray[np.int64]
    user: NDArray[np.int64]
    time: NDArray[np.int64]
    received_ms: NDArray[np.int64]
    insert: NDArray[np.bytes_]
    integration: NDArray[np.int64]
    has_id: NDArray[np.bool_]
    known: NDArray[np.bool_]
    repeated: NDArray[np.bool_]

    def take(self, rows: NDArray[Any]) -> DayEvents:
        """Return some of the events."""
        return DayEvents(*(getattr(self, name)[rows] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Lines:
    """NDJSON lines in one buffer; line i ends at `ends[i]`, came in at `received_ms[i]`."""

    data: memoryview
    ends: NDArray[np.int64]
    received_ms: NDArray[np.int64]

    def until(self, now_ms: int, limit: int | None = None) -> tuple[memoryview, int]:
        """Return the lines received up to a moment, at most `limit`, and how many they are."""
        count = int(np.searchsorted(self.received_ms, now_ms, "right"))
        count = count if limit is None else min(count, limit)
        return self.data[: int(self.ends[count - 1]) if count else 0], count


class EventStream:
    """All product events of a universe; a day is drawn when it is asked for."""

    def __init__(self, seed: int, start: int, days: int, usage: Usage) -> None:
        self._seed, self._start, self._days, self._usage = seed, start, days, usage
        self._noon = np.array([_NOON_HOUR[c.country] for c in usage.companies])
        self._integrations = np.array(
            [(integrations_of(seed, c) * 3)[:3] for c in usage.companies]
        ).reshape(-1, 3)
        codes = {name: code for code, name in enumerate(INTEGRATIONS)}
        self._integrations = np.vectorize(codes.__getitem__, otypes=[np.int64])(self._integrations)
        self._heads, self._tails = _kind_templates()
        self._known_user, self._unknown_user = self._user_templates()
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, str, bool], Lines] = OrderedDict()

    def day(self, number: int) -> DayEvents:
        """Return the events of the universe's nth day, in order of arrival; empty outside of it."""
        usage = self._usage
        rng = stream(self._seed, "events", max(number, 0))
        rows = np.nonzero((usage.joined <= number) & (number < usage.left))[0]
        if not 0 <= number < self._days:
            rows = rows[:0]
        weekday = datetime.fromtimestamp(self._start + number * DAY, UTC).weekday()
        level = usage.level[usage.account[rows], min(max(number, 0), self._days - 1)]
        there = np.clip(usage.habit[rows] * level * (0.12 if weekday > 4 else 1.0), 0, 0.97)
        rows = rows[rng.random(len(rows)) < there]
        counts = 1 + rng.poisson(usage.pace[rows])
        begins: NDArray[np.float64] = (
            self._noon[usage.account[rows]] * 3600 + rng.standard_normal(len(rows)) * 7200
        )
        offline = rng.random(len(rows)) < 0.02
        delay = np.clip(rng.exponential(1.6 * DAY, len(rows)), 3600, MAX_DELAY_DAYS * DAY - 60)
        user = np.repeat(rows, counts)
        total = len(user)
        kind = (usage.mix[user] < rng.random(total)[:, None]).sum(axis=1)
        late = np.repeat(begins, counts) + rng.exponential(2400, total)
        second: NDArray[np.int64] = np.abs(late).astype(np.int64)
        second = np.where(second < DAY, second, 2 * DAY - 1 - second)
        wait = rng.integers(900, 20_000, total) + np.repeat(offline * delay * 1000, counts)
        time = self._start + number * DAY + second
        integration = self._integrations[usage.account[user], rng.integers(0, 3, total)]
        noise = rng.random((2, total))
        made = DayEvents(
            kind, user, time, time * 1000 + wait.astype(np.int64), _ids(rng, total),
            integration, noise[0] >= 0.004, noise[1] >= 0.006, np.zeros(total, bool),
        )  # fmt: skip
        again = np.nonzero(rng.random(total) < 0.008)[0]
        copies = made.take(again)
        copies.received_ms = copies.received_ms + rng.integers(1000, 2 * DAY * 1000, len(again))
        copies.repeated[:] = True
        both = DayEvents(
            *(np.concatenate([getattr(made, n), getattr(copies, n)]) for n in DayEvents.__slots__)
        )
        return both.take(np.argsort(both.received_ms, kind="stable"))

    def lines(self, number: int, zone: str, in_ms: bool) -> Lines:
        """Return one project day as NDJSON; kept for the days asked for last.

        In a zone other than UTC the day is the zone's, and `time` is its wall clock read as UTC,
        which is what projects from before 2023 send.
        """
        key = (number, zone, in_ms)
        found = self._kept.get(key)
        if found is None:
            found = self.render(self.project_day(number, zone), zone, in_ms)
        # exports run in several threads at once
        with self._lock:
            self._kept[key] = found
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT_DAYS:
                self._kept.popitem(last=False)
        return found

    def project_day(self, number: int, zone: str) -> DayEvents:
        """Return the events of one day of the project's zone, in order of arrival."""
        if zone == "UTC":
            return self.day(number)
        parts = [self.day(number + shift) for shift in (-1, 0, 1)]
        near = DayEvents(
            *(np.concatenate([getattr(p, n) for p in parts]) for n in DayEvents.__slots__)
        )
        local = near.time + self._offset(near.time, zone)
        near = near.take(np.nonzero((local - self._start) // DAY == number)[0])
        return near.take(np.argsort(near.received_ms, kind="stable"))

    def _offset(self, time: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
        hours, back = np.unique(time // 3600, return_inverse=True)
        found = [
            (datetime.fromtimestamp(int(hour) * 3600, ZoneInfo(zone)).utcoffset() or timedelta())
            for hour in hours
        ]
        return np.array([int(offset.total_seconds()) for offset in found], np.int64)[back]

    def render(self, events: DayEvents, zone: str, in_ms: bool) -> Lines:
        """Return events as NDJSON lines, in the order given."""
        if not len(events.user):
            return Lines(memoryview(b""), np.zeros(0, np.int64), events.received_ms)
        time = events.time if zone == "UTC" else events.time + self._offset(events.time, zone)
        if in_ms:
            time = time * 1000 + events.received_ms % 1000
        variant = np.where(
            events.kind < _PLAIN,
            events.kind,
            _PLAIN + (events.kind - _PLAIN) * len(INTEGRATIONS) + events.integration,
        )
        users = np.where(events.known, events.user, events.user + len(self._usage.people))
        templates = pa.concat_arrays([self._known_user, self._unknown_user])
        insert = pc.binary_join_element_wise(
            ',"$insert_id":"', pa.array(events.insert).cast(pa.string()), '"', ""
        )
        joined = pc.binary_join_element_wise(
            self._heads.take(pa.array(variant)),
            pa.array(time).cast(pa.string()),
            templates.take(pa.array(users)),
            pc.if_else(pa.array(events.has_id), insert, ""),
            ',"mp_processing_time_ms":',
            pa.array(events.received_ms).cast(pa.string()),
            self._tails.take(pa.array(variant)),
            "",
        )
        _, offsets, data = joined.buffers()
        ends = np.frombuffer(offsets, np.int32)[1 : len(users) + 1].astype(np.int64)
        return Lines(memoryview(data)[: int(ends[-1])], ends, events.received_ms)

    def _user_templates(self) -> tuple[pa.StringArray, pa.StringArray]:
        known, unknown = [], []
        for row, person in enumerate(self._usage.people):
            company = self._usage.companies[int(self._usage.account[row])]
            user = user_id(company.index, person.number)
            device = f"d-{company.index:x}-{person.number:x}"
            where = f'"$city":"{_CITY[company.country]}","mp_country_code":"{company.country}"'
            system = f'"mp_lib":"web","$mp_api_endpoint":"api.mixpanel.com",{where}'
            known.append(
                f',"distinct_id":"{user}","$device_id":"{device}","$user_id":"{user}",{system},'
                f'"plan":"{company.plan}","company_id":"{account_key(company)}"'
            )
            unknown.append(f',"distinct_id":"$device:{device}","$device_id":"{device}",{system}')
        return pa.array(known, pa.string()), pa.array(unknown, pa.string())


def user_id(company: int, number: int) -> str:
    """Return the product's id of a company's nth person."""
    return f"u_{100_000 + company * 1000 + number}"


def is_core(kinds: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which event kinds are core use."""
    return np.array([event in CORE for event in EVENTS])[kinds]


def _ids(rng: np.random.Generator, count: int) -> NDArray[np.bytes_]:
    raw = np.frombuffer(rng.bytes(8 * count), np.uint8)
    return np.ascontiguousarray(_HEX[raw]).view("S16") if count else np.zeros(0, "S16")


def _kind_templates() -> tuple[pa.StringArray, pa.StringArray]:
    heads = [f'{{"event":"{event}","properties":{{"time":' for event in EVENTS[:_PLAIN]]
    tails = ["}}\n"] * _PLAIN
    for event in EVENTS[_PLAIN:]:
        heads += [f'{{"event":"{event}","properties":{{"time":'] * len(INTEGRATIONS)
        tails += [f',"integration":"{name}"}}}}\n' for name in INTEGRATIONS]
    return pa.array(heads, pa.string()), pa.array(tails, pa.string())
