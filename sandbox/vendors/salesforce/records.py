"""What the CRM holds at the clock, as the REST API spells it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.clock import Clock
from sandbox.overlay import Overlay
from sandbox.universe.calendar import DAY
from sandbox.vendors.salesforce.fields import Fields
from sandbox.vendors.salesforce.history import History, Thing, moment
from sandbox.vendors.salesforce.ids import long_id

VENDOR = "salesforce"
RECYCLE_DAYS = 15
ARCHIVE_DAYS = 365
Record = dict[str, Any]


@dataclass(slots=True)
class Row:
    """One record under its key; `put_at` says when a test handed it in, None for the world's."""

    key: str
    record: Any
    put_at: int | None = None


class Records:
    """Reads the world and the overlay; answers are kept until the clock or the overlay changes."""

    def __init__(
        self, history: History, overlay: Overlay, clock: Clock, fields: dict[str, Fields]
    ) -> None:
        self._history, self._overlay, self._clock, self.fields = history, overlay, clock, fields
        self._kept: dict[str, tuple[tuple[int, int], list[Row], dict[str, Row]]] = {}

    @property
    def now(self) -> int:
        """The clock in epoch seconds."""
        return self._clock.seconds

    def all(self, kind: str) -> list[Row]:
        """Return every record of a kind that is there or in the recycle bin, in order of ids."""
        return self._state(kind)[1]

    def get(self, kind: str, key: str) -> Row | None:
        """Return one record, also one in the recycle bin."""
        rows = self._state(kind)[2]
        return rows.get(key) or rows.get(long_id(key))

    def deleted(self, kind: str, start: int, end: int) -> list[tuple[str, int]]:
        """Return (id, when) of what was deleted from `start` until before `end`, softly or not."""
        layer = self._overlay.layer(VENDOR, kind)
        found = {
            thing.id: thing.deleted
            for thing in self._history.of(kind)
            if thing.deleted is not None and thing.deleted <= self.now
        }
        for key, put in layer.put.items():
            found.pop(key, None)
            if is_deleted(put.record["record"]):
                found[key] = put.at
        found |= layer.archived
        found |= {key: at for key, at in layer.removed.items() if not key.startswith("#")}
        return sorted((key, at) for key, at in found.items() if start <= at < end)

    def put(self, kind: str, record: Any) -> None:
        """Insert one record, or override the one with its Id."""
        identity = record.get("Id") if isinstance(record, dict) else None
        known = isinstance(identity, str) and identity in self._history.ids(kind)
        wrapped = {"id": identity, "record": record}
        self._overlay.put(VENDOR, kind, wrapped, self.now, known)

    def copy_of(self, kind: str, identity: str) -> Any | None:
        """Return a copy of one record, to be changed and put back."""
        found = self.get(kind, identity)
        return None if found is None else copy.deepcopy(found.record)

    def accounts(self) -> Iterator[tuple[str, str, str]]:
        """Yield (true company, id, state) of every account of the made-up world by now."""
        for thing in self._history.of("Account"):
            if thing.created <= self.now:
                gone = thing.deleted is not None and thing.deleted <= self.now
                state = "live" if not gone else "merged" if thing.master else "gone"
                yield self._history.companies[thing.id], thing.id, state

    def _state(self, kind: str) -> tuple[tuple[int, int], list[Row], dict[str, Row]]:
        state = (self.now, self._overlay.version)
        kept = self._kept.get(kind)
        if kept is None or kept[0] != state:
            rows = self._rows(kind)
            kept = self._kept[kind] = (state, rows, {row.key: row for row in rows})
        return kept

    def _rows(self, kind: str) -> list[Row]:
        layer = self._overlay.layer(VENDOR, kind)
        rows = []
        for thing in self._history.of(kind):
            if thing.created > self.now or thing.id in layer.put or thing.id in layer.removed:
                continue
            gone = layer.archived.get(thing.id, thing.deleted)
            if gone is None or gone + RECYCLE_DAYS * DAY > self.now:
                rows.append(Row(thing.id, self._record(kind, thing, gone)))
        for key, put in layer.put.items():
            record = put.record["record"]
            if key in layer.archived and isinstance(record, dict):
                stamp = moment(layer.archived[key])
                record |= {"IsDeleted": True, "LastModifiedDate": stamp, "SystemModstamp": stamp}
            rows.append(Row(key, record, put.at))
        return rows

    def _record(self, kind: str, thing: Thing, deleted: int | None) -> Record:
        values: Record = {}
        modified = stamp = thing.created
        for change in thing.changes:
            if change.at > self.now:
                break
            values |= change.values
            stamp = change.at
            modified = modified if change.by_automation else stamp
        if deleted is not None and deleted <= self.now:
            modified = stamp = deleted
            values |= {"IsDeleted": True, "MasterRecordId": thing.master}
        values |= {
            "Id": thing.id, "CreatedDate": moment(thing.created),
            "LastModifiedDate": moment(modified), "SystemModstamp": moment(stamp),
        }  # fmt: skip
        values.setdefault("IsDeleted", False)
        self._derive(kind, values)
        return {name: values.get(name) for name in self.fields[kind]}

    def _derive(self, kind: str, values: Record) -> None:
        if kind == "Account":
            country = values.get("BillingCountry")
            values["BillingAddress"] = {"city": None, "country": country} if country else None
            values["PhotoUrl"] = f"/services/images/photo/{values['Id']}"
        if kind in ("Task", "Event"):
            old = str(values["ActivityDate"]) < moment(self.now - ARCHIVE_DAYS * DAY)[:10]
            values["IsArchived"] = old and (kind == "Event" or values["IsClosed"])


def is_deleted(record: Any) -> bool:
    """Return whether a record says that it is deleted; malformed ones do not."""
    return isinstance(record, dict) and record.get("IsDeleted") is True
