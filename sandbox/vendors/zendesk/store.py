"""What the help desk shows at the clock, in the order in which its exports give it out."""

from __future__ import annotations

import copy
from bisect import bisect_left
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sandbox.clock import Clock
from sandbox.overlay import Layer, Overlay, Put
from sandbox.universe.world import World
from sandbox.vendors.zendesk import shapes
from sandbox.vendors.zendesk.desk import Desk
from sandbox.vendors.zendesk.metrics import metric_events
from sandbox.vendors.zendesk.shapes import Record

VENDOR = "zendesk"
RESOURCES = ("tickets", "users", "organizations", "satisfaction_ratings", "ticket_metric_events")
# Exports hold back what changed within the last minute.
WITHHELD = 60

Row = tuple[int, int, Any]  # second of its last change, number, record


class Store:
    """Rows of each resource, oldest change first; kept until the clock or the overlay changes."""

    def __init__(
        self, world: World, overlay: Overlay, clock: Clock, channels: Collection[str]
    ) -> None:
        self._world, self._overlay, self._clock = world, overlay, clock
        self._desk = Desk(world, channels)
        self._kept: dict[str, tuple[tuple[int, int], list[Row]]] = {}

    @property
    def now(self) -> int:
        """The clock in epoch seconds."""
        return self._clock.seconds

    def rows(self, resource: str) -> list[Row]:
        """Return every row of a resource that there is by now."""
        state = (self.now, self._overlay.version)
        kept = self._kept.get(resource)
        if kept is None or kept[0] != state:
            made = list(self._made(resource))
            made.sort(key=lambda row: row[:2])
            kept = self._kept[resource] = (state, made)
        return kept[1]

    def exported(self, resource: str) -> list[Row]:
        """Return the rows that an export gives out: not those of the last minute."""
        rows = self.rows(resource)
        late = bisect_left(rows, (self.now - WITHHELD + 1,))
        future = bisect_left(rows, (self.now + 1,))
        return rows[:late] + rows[future:]

    def get(self, resource: str, identity: str) -> Any | None:
        """Return one record by its id, None without one."""
        found = (r for _, _, r in self.rows(resource) if _id_of(r) == identity)
        return next(found, None)

    def put(self, resource: str, record: Any) -> None:
        """Insert one record, or override the one with its id."""
        # Nothing here depends on whether it was known: an export shows records, not changes.
        self._overlay.put(VENDOR, resource, record, self.now, known=False)

    def copy_of(self, resource: str, identity: str) -> Any | None:
        """Return a copy of one record, to be changed and put back."""
        return copy.deepcopy(self.get(resource, identity))

    def accounts(self) -> Iterator[tuple[str, str, str]]:
        """Yield (true company, id, state) of every organization by now."""
        for one in self._desk.organizations.values():
            if one.created <= self.now:
                gone = one.deleted is not None and one.deleted <= self.now
                yield one.company.key, str(one.id), "gone" if gone else "live"

    def _made(self, resource: str) -> Iterator[Row]:
        layer = self._overlay.layer(VENDOR, resource)
        for changed, record in self._world_rows(resource):
            key = str(record["id"])
            if key in layer.put:
                continue
            if key in layer.removed or key in layer.archived:
                gone = self._gone(resource, key, record, layer)
                if gone:
                    yield gone
                continue
            yield changed, record["id"], record
        for number, (key, put) in enumerate(layer.put.items()):
            yield self._put_row(resource, key, put, number, layer)

    def _world_rows(self, resource: str) -> Iterator[tuple[int, Record]]:
        now, desk = self.now, self._desk
        if resource == "organizations":
            found = (o for o in desk.organizations.values() if o.created <= now)
            yield from (shapes.organization(one, now) for one in found)
        elif resource == "users":
            since = self._world.frame.start
            yield from (shapes.agent(key, one, since) for key, one in desk.agents)
            yield from (shapes.end_user(one, now) for one in desk.users if one.created <= now)
        else:
            cases = [case for case in desk.cases if case.ticket.created <= now]
            if resource == "tickets":
                yield from (shapes.ticket(case, now) for case in cases)
            elif resource == "satisfaction_ratings":
                yield from filter(None, (shapes.rating(case, now) for case in cases))
            else:
                for case in cases:
                    yield from metric_events(case, now)

    def _put_row(self, resource: str, key: str, put: Put, number: int, layer: Layer) -> Row:
        """Return a record that a test put; it changed just as long ago as exports withhold."""
        # Beyond every id of the world, so that a record without one has a place of its own.
        place = int(key) if key.isdigit() else 10**15 + number
        record, at = put.record, put.at - WITHHELD
        if key in layer.archived and isinstance(record, dict):
            at = layer.archived[key] - WITHHELD
            return at, place, _archived(resource, record, at)
        if not isinstance(record, dict):
            return at, place, record
        stamp = record.get("generated_timestamp")
        if resource == "ticket_metric_events":
            at = _second(record.get("time")) or at
        elif isinstance(stamp, int):
            at = max(at, stamp) if stamp > put.at else at
            record = record | {"generated_timestamp": at}
        return at, place, record

    def _gone(self, resource: str, key: str, record: Record, layer: Layer) -> Row | None:
        if key in layer.archived:
            at = layer.archived[key] - WITHHELD
            return at, record["id"], _archived(resource, record, at)
        at = layer.removed[key] - WITHHELD
        if resource == "tickets":
            return at, record["id"], shapes.scrubbed(record, at)
        if resource == "users":
            bare: Record = {"name": "Permanently Deleted User", "email": None, "user_fields": {}}
            return at, record["id"], _archived(resource, record | bare, at)
        if resource == "organizations":
            return at, record["id"], _archived(resource, record, at)
        return None


def _archived(resource: str, record: Record, at: int) -> Record:
    stamps = {"updated_at": shapes.iso(at)}
    if resource == "tickets":
        return record | stamps | {"status": "deleted", "generated_timestamp": at}
    if resource == "users":
        return record | stamps | {"active": False}
    return record | stamps | {"deleted_at": shapes.iso(at)}


def _id_of(record: Any) -> str | None:
    identity = record.get("id") if isinstance(record, dict) else None
    return None if identity is None else str(identity)


def _second(text: Any) -> int | None:
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None
