"""What the PostHog project holds at the clock: events by when they came in, and persons."""

from __future__ import annotations

import json
import threading
import uuid
from collections import OrderedDict
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.clock import Clock
from sandbox.overlay import Overlay
from sandbox.universe.calendar import DAY
from sandbox.universe.chance import fraction, stream
from sandbox.universe.crm import account_key
from sandbox.universe.events import MAX_DELAY_DAYS, DayEvents, user_id
from sandbox.universe.usage import EVENTS, INTEGRATIONS
from sandbox.universe.world import World
from sandbox.vendors.posthog.files import MOMENT, file_of

Json = dict[str, Any]
VENDOR = "posthog"
TEAM = 73412
# Names that this vendor's own library gives; the rest the app chose itself.
OWN_NAMES = {"page_viewed": "$pageview"}
_NAMES = pa.array([OWN_NAMES.get(name, name) for name in EVENTS])
_FIRST_INTEGRATION = len(EVENTS) - 2
# A copy of an event comes at most two days after the event itself, which may be so late.
_REACH_DAYS = MAX_DELAY_DAYS + 3
_KEPT_DAYS = 40


class Store:
    """Reads the world and the overlay for one project."""

    def __init__(self, world: World, overlay: Overlay, clock: Clock, rows_per_file: int) -> None:
        self._world, self._overlay, self._clock = world, overlay, clock
        self._rows_per_file = rows_per_file
        self._days: OrderedDict[int, DayEvents] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def first_moment(self) -> datetime:
        """When the project begins."""
        return datetime.fromtimestamp(self._world.frame.start, UTC)

    @property
    def now_ms(self) -> int:
        """The present moment, in milliseconds."""
        return self._clock.seconds * 1000

    def put(self, resource: str, record: Any) -> None:
        """Insert rows as an export shows them; what has no `_inserted_at` came in a second ago,
        so that an export up to now has it.

        A person overrides the one with its distinct id. An event stands beside whatever has its
        uuid, as a second copy does until the vendor tidies up.
        """
        for row in record if isinstance(record, list) else [record]:
            identity = row.get("distinct_id") if resource == "persons" else None
            self._overlay.put(
                VENDOR, resource, {"id": identity, "row": row}, self._clock.seconds, False
            )

    def files(
        self,
        model: str,
        start_ms: int,
        end_ms: int,
        include: Collection[str],
        exclude: Collection[str],
    ) -> list[pa.Table]:
        """The rows that came in from `start_ms` to before `end_ms`, as tables that become a file
        each; those that a test put stand in a file of their own."""
        found = (
            self._events(start_ms, end_ms, include, exclude)
            if model == "events"
            else self._persons_table(start_ms, end_ms)
        )
        step = self._rows_per_file
        made = [found.slice(at, step) for at in range(0, found.num_rows, step)]
        added = [
            row
            for row, came in self._added(model)
            if start_ms <= came < end_ms
            and (model != "events" or _is_asked_for(row.get("event"), include, exclude))
        ]
        return [*made, file_of(added, found.schema)] if added else made

    def _added(self, model: str) -> Iterator[tuple[Json, int]]:
        layer = self._overlay.layer(VENDOR, model)
        for put in layer.put.values():
            row = dict(put.record["row"])
            if row.get("uuid") in layer.removed:
                continue
            row.setdefault("_inserted_at", datetime.fromtimestamp(put.at - 1, UTC))
            came = row["_inserted_at"]
            if isinstance(came, str):
                came = datetime.fromisoformat(came)
            yield row, int(came.timestamp() * 1000)

    # ---- events ----

    def _day(self, number: int) -> DayEvents:
        found = self._days.get(number) or self._world.events.day(number)
        # exports run in several threads at once
        with self._lock:
            self._days[number] = found
            self._days.move_to_end(number)
            while len(self._days) > _KEPT_DAYS:
                self._days.popitem(last=False)
        return found

    def _events(
        self, start_ms: int, end_ms: int, include: Collection[str], exclude: Collection[str]
    ) -> pa.Table:
        begins = self._world.frame.start
        first = (start_ms // 1000 - begins) // DAY - _REACH_DAYS
        last = (end_ms // 1000 - begins) // DAY
        tables = [self._event_rows(self._day(0).take(np.zeros(0, np.int64)))]
        for number in range(max(first, 0), last + 1):
            day = self._day(number)
            rows = np.nonzero((day.received_ms >= start_ms) & (day.received_ms < end_ms))[0]
            if len(rows):
                tables.append(self._event_rows(day.take(rows)))
        found = pa.concat_tables(tables).sort_by("_inserted_at")
        if include:
            found = found.filter(pc.is_in(found["event"], pa.array(list(include))))
        if exclude:
            found = found.filter(pc.invert(pc.is_in(found["event"], pa.array(list(exclude)))))
        removed = pa.array(list(self._overlay.layer(VENDOR, "events").removed), pa.string())
        return found.filter(pc.invert(pc.is_in(found["uuid"], removed))) if len(removed) else found

    def _event_rows(self, day: DayEvents) -> pa.Table:
        user, texts = pa.array(day.user), self._users
        known = pa.array(day.known)
        # Before somebody signs in on a device its events are those of another, nameless person.
        merged = pa.array(day.known | (day.received_ms >= texts["merged_ms"][day.user]))
        kind = pa.array(
            np.where(
                day.kind < _FIRST_INTEGRATION,
                day.kind,
                _FIRST_INTEGRATION
                + (day.kind - _FIRST_INTEGRATION) * len(INTEGRATIONS)
                + day.integration,
            )
        )
        moment = day.time * 1_000_000 + day.received_ms % 1000 * 1000
        return pa.table({
            "uuid": _uuids(day),
            "event": _NAMES.take(pa.array(day.kind)),
            "distinct_id": pc.if_else(known, texts["user"].take(user), texts["device"].take(user)),
            "person_id": pc.if_else(merged, texts["person"].take(user), texts["nobody"].take(user)),
            "properties": pc.binary_join_element_wise(
                pc.if_else(known, texts["known"].take(user), texts["unknown"].take(user)),
                _TAILS.take(kind),
                "",
            ),
            "person_properties": pc.if_else(known, texts["traits"].take(user), "{}"),
            "elements_chain": pa.array([""] * len(day.user), pa.string()),
            "timestamp": pa.array(moment).cast(MOMENT),
            "created_at": pa.array(day.received_ms * 1000 - 300_000).cast(MOMENT),
            "_inserted_at": pa.array(day.received_ms * 1000).cast(MOMENT),
        })  # fmt: skip

    @cached_property
    def _users(self) -> dict[str, Any]:
        usage, columns = self._world.usage, ("user", "device", "person", "nobody")
        found: dict[str, list[Any]] = {
            name: [] for name in (*columns, "known", "unknown", "traits")
        }
        merged = []
        for row in range(len(usage.people)):
            ids = self._ids(row)
            for name in columns:
                found[name].append(ids[name])
            where = f'"$lib":"web","$device_id":"{ids["device"]}"'
            group = "" if ids["forgets_group"] else f',"$groups":{{"company":"{ids["account"]}"}}'
            found["known"].append(f'{{{where},"$is_identified":true{group}')
            found["unknown"].append(f'{{{where},"$is_identified":false')
            found["traits"].append(json.dumps(ids["traits"]))
            merged.append(ids["merged_at"] * 1000)
        texts: dict[str, Any] = {
            name: pa.array(list_, pa.string()) for name, list_ in found.items()
        }
        return texts | {"merged_ms": np.array(merged, np.int64)}

    def _ids(self, row: int) -> Json:
        """Everything about one user that does not depend on the clock."""
        world, usage = self._world, self._world.usage
        company, person = usage.companies[int(usage.account[row])], usage.people[row]
        user = user_id(company.index, person.number)
        seed = world.frame.seed
        draws = stream(seed, "posthog", company.index, person.number).bytes(48)
        one, other, device = (
            str(uuid.UUID(bytes=draws[start : start + 16], version=4)) for start in (0, 16, 32)
        )
        nameless = fraction(seed, "posthog nameless", user) < 0.025
        account = account_key(company)
        traits: Json = {"company_id": account}
        if not nameless:
            traits = {"email": person.email, "name": f"{person.given} {person.family}", **traits}
        joined = world.frame.start + int(usage.joined[row]) * DAY + 9 * 3600
        # Most sign in on their browser at once; some go on unnamed for weeks.
        wait = fraction(seed, "posthog merge", user)
        return {
            "user": user,
            "person": one,
            "nobody": other,
            "device": device,
            "account": account,
            "forgets_group": fraction(seed, "posthog group", user) < 0.04,
            "traits": traits,
            "joined_at": joined,
            "merged_at": joined + (60 if wait < 0.7 else int(wait * 60 * DAY)),
        }

    # ---- persons ----

    def _persons_table(self, start_ms: int, end_ms: int) -> pa.Table:
        rows = [
            one
            for one in self._persons()
            if start_ms <= int(one["_inserted_at"].timestamp() * 1000) < end_ms
        ]
        columns = {name: [row[name] for row in rows] for name in PERSON_SCHEMA.names}
        return pa.table(columns, schema=PERSON_SCHEMA)

    def _persons(self) -> Iterator[Json]:
        layer, usage, now = self._overlay.layer(VENDOR, "persons"), self._world.usage, self._clock
        today = (now.seconds - self._world.frame.start) // DAY
        for row in np.nonzero(usage.joined <= today)[0]:
            ids = self._ids(int(row))
            if ids["joined_at"] > now.seconds:
                continue
            merged = ids["merged_at"] <= now.seconds
            for distinct_id, came in (
                (ids["user"], ids["joined_at"]),
                (ids["device"], ids["merged_at"] if merged else ids["joined_at"]),
            ):
                if distinct_id in layer.put or distinct_id in layer.removed:
                    continue
                own = distinct_id == ids["user"]
                shown = {
                    "team_id": TEAM,
                    "distinct_id": distinct_id,
                    "person_id": ids["person"] if own or merged else ids["nobody"],
                    "properties": json.dumps(ids["traits"] if own or merged else {}),
                    "person_distinct_id_version": int(not own and merged),
                    "person_version": 1,
                    "created_at": datetime.fromtimestamp(ids["joined_at"], UTC),
                    "_inserted_at": datetime.fromtimestamp(came, UTC),
                    "is_deleted": False,
                }
                if distinct_id in layer.archived:
                    shown |= {
                        "properties": "{}",
                        "is_deleted": True,
                        "person_distinct_id_version": shown["person_distinct_id_version"] + 100,
                        "_inserted_at": datetime.fromtimestamp(
                            layer.archived[distinct_id] - 1, UTC
                        ),
                    }
                yield shown

    def record(self, resource: str, identity: str) -> Json | None:
        """Return a copy of one person by its distinct id; events are not looked up."""
        if resource != "persons":
            return None
        for row, _ in self._added("persons"):
            if row.get("distinct_id") == identity:
                return row
        return next((one for one in self._persons() if one["distinct_id"] == identity), None)

    def accounts(self) -> Iterator[tuple[str, str, str]]:
        """Yield (true company, group key, live) of every account of the made-up world by now."""
        usage = self._world.usage
        today = (self._clock.seconds - self._world.frame.start) // DAY
        for row, company in enumerate(usage.companies):
            key = account_key(company)
            joined = usage.joined[usage.account == row]
            if key and len(joined) and int(joined.min()) <= today:
                yield company.key, key, "live"


PERSON_SCHEMA = pa.schema([
    ("team_id", pa.int64()), ("distinct_id", pa.string()), ("person_id", pa.string()),
    ("properties", pa.string()), ("person_distinct_id_version", pa.int64()),
    ("person_version", pa.int64()), ("created_at", MOMENT), ("_inserted_at", MOMENT),
    ("is_deleted", pa.bool_()),
])  # fmt: skip


def _is_asked_for(event: Any, include: Collection[str], exclude: Collection[str]) -> bool:
    return (not include or event in include) and event not in exclude


def _uuids(day: DayEvents) -> pa.Array:
    """The id that the sender gave, in the shape of a UUID; a copy carries that of its original."""
    hexes = pa.array(day.insert).cast(pa.string())

    def part(start: int, stop: int) -> Any:
        return pc.utf8_slice_codeunits(hexes, start, stop)

    tail = pc.utf8_lpad(pa.array(day.user).cast(pa.string()), 9, "0")
    return pc.binary_join_element_wise(
        part(0, 8), "-", part(8, 12), "-7", part(12, 15), "-8", part(0, 3), "-",
        part(13, 16), tail, "",
    )  # fmt: skip


_TAILS = pa.array(
    ["}"] * _FIRST_INTEGRATION
    + [f',"integration":"{name}"}}' for _ in EVENTS[_FIRST_INTEGRATION:] for name in INTEGRATIONS]
)
