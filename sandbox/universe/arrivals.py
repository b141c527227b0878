"""Product events by when a vendor received them, which is how exports and log files are cut."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sandbox.universe.calendar import DAY
from sandbox.universe.crm import account_key
from sandbox.universe.events import MAX_DELAY_DAYS, DayEvents, EventStream
from sandbox.universe.world import World

# The longest delay, and two more days for what was sent a second time.
_LATEST = MAX_DELAY_DAYS + 3
_KEPT = _LATEST + 5


class Arrivals:
    """All product events of a universe in the order in which the vendor received them."""

    def __init__(self, stream: EventStream, start: int) -> None:
        self._stream, self._start = stream, start
        self._drawn: OrderedDict[int, DayEvents] = OrderedDict()
        self._arrived: OrderedDict[int, DayEvents] = OrderedDict()
        self._lock = threading.Lock()

    def between(self, first: int, until: int) -> DayEvents:
        """Return what was received from `first` on and before `until`, both epoch seconds."""
        days = range((first - self._start) // DAY, (until - 1 - self._start) // DAY + 1)
        parts = [self._day(number) for number in days]
        found = _joined(parts) if len(parts) != 1 else parts[0]
        begin, end = np.searchsorted(found.received_ms, [first * 1000, until * 1000])
        return found.take(np.arange(begin, end))

    def _day(self, number: int) -> DayEvents:
        with self._lock:
            if number not in self._arrived:
                near = [self._day_drawn(number - back) for back in range(_LATEST, -1, -1)]
                begins = (self._start + number * DAY) * 1000
                parts = []
                for drawn in near:
                    span = np.searchsorted(drawn.received_ms, [begins, begins + DAY * 1000])
                    parts.append(drawn.take(np.arange(*span)))
                found = _joined(parts)
                order = np.argsort(found.received_ms, kind="stable")
                _keep(self._arrived, number, found.take(order), 40)
            return self._arrived[number]

    def _day_drawn(self, number: int) -> DayEvents:
        if number not in self._drawn:
            _keep(self._drawn, number, self._stream.day(number), _KEPT)
        return self._drawn[number]


def _joined(parts: list[DayEvents]) -> DayEvents:
    return DayEvents(
        *(np.concatenate([getattr(part, n) for part in parts]) for n in DayEvents.__slots__)
    )


def _keep(kept: OrderedDict[int, DayEvents], number: int, day: DayEvents, most: int) -> None:
    kept[number] = day
    while len(kept) > most:
        kept.popitem(last=False)


def lines_of(parts: list[Any]) -> tuple[memoryview, NDArray[np.int64]]:
    """Return the texts of `parts` (arrays and constants) side by side as one buffer of lines, and
    where each of them ends."""
    joined = pc.binary_join_element_wise(*parts, "").cast(pa.large_string())
    _, offsets, data = joined.buffers()
    if not len(joined) or data is None:
        return memoryview(b""), np.zeros(0, np.int64)
    ends = np.frombuffer(offsets, np.int64)[1 : len(joined) + 1]
    return memoryview(data)[: int(ends[-1])], ends


def texts_of(values: NDArray[Any]) -> pa.StringArray:
    """Return numbers or bytes as Arrow texts."""
    return pa.array(values).cast(pa.string())


def stamps(milliseconds: NDArray[np.int64], form: str, unit: str = "ms") -> pa.StringArray:
    """Return epoch milliseconds as texts; %S in `form` has the fraction that `unit` allows."""
    moments = pa.array(milliseconds).cast(pa.timestamp("ms")).cast(pa.timestamp(unit))
    return pc.strftime(moments, format=form)


def joined_between(world: World, first: int, until: int) -> Iterator[tuple[int, int]]:
    """Yield (user's row, moment) of the users who join from `first` on and before `until`: at nine
    on their first day."""
    usage = world.usage
    for number in range((first - world.frame.start) // DAY, (until - world.frame.start) // DAY + 1):
        at = world.frame.start + number * DAY + 9 * 3600
        if first <= at < until:
            for row in np.nonzero(usage.joined == number)[0]:
                yield int(row), at


def accounts_in_product(world: World, now: int) -> Iterator[tuple[str, str, str]]:
    """Yield (true company, account key, live) of every product account with a user by `now`."""
    usage = world.usage
    today = (now - world.frame.start) // DAY
    for row, company in enumerate(usage.companies):
        key = account_key(company)
        joined = usage.joined[usage.account == row]
        if key and len(joined) and int(joined.min()) <= today:
            yield company.key, key, "live"


def line_of(record: Any, defaults: dict[str, Any]) -> bytes:
    """Return a put record as a line: an object with `defaults` where it lacks them; raw text stays
    raw."""
    text = record if isinstance(record, str) else json.dumps(
        defaults | record if isinstance(record, dict) else record
    )  # fmt: skip
    return text.rstrip("\n").encode("utf-8", "surrogatepass") + b"\n"
