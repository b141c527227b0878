"""What the CRM shows at the clock: records, owners, pipelines and links as the API spells them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from sandbox.clock import Clock
from sandbox.overlay import Overlay
from sandbox.universe.billing import Customer
from sandbox.universe.calendar import DAY, day_of, iso_ms
from sandbox.universe.chance import fraction
from sandbox.universe.crm import LINK_TYPES, CrmObject, Link, company_of
from sandbox.universe.selling import STAGES
from sandbox.universe.world import World
from sandbox.vendors.hubspot.feedback import FEEDBACK, submissions
from sandbox.vendors.hubspot.properties import PROPERTIES, modified_name

Record = dict[str, Any]
VENDOR = "hubspot"
ARCHIVE_DAYS = 90


class Records:
    """Reads the world and the overlay; answers are kept until the clock or the overlay changes."""

    def __init__(self, world: World, overlay: Overlay, clock: Clock) -> None:
        self._world, self._overlay, self._clock = world, overlay, clock
        self._kept: dict[str, tuple[tuple[int, int], list[Any]]] = {}
        self._indexes: dict[str, tuple[list[Any], dict[str | None, Record]]] = {}
        self._feedback: list[CrmObject] | None = None
        self._payers: dict[int, Customer] = {}
        for customer in world.customers:
            self._payers.setdefault(customer.company.index, customer)
        self._by_id = {
            kind: {record.id: record for record in records}
            for kind, records in world.crm.objects.items()
        }

    @property
    def now_ms(self) -> int:
        """The clock in epoch milliseconds."""
        return self._clock.seconds * 1000

    def all(self, kind: str) -> list[Record]:
        """Return every record of a type, archived ones included, in the order of their ids.

        Records of the world carry all their properties; put records stand as they were handed in.
        """
        state = (self._clock.seconds, self._overlay.version)
        kept = self._kept.get(kind)
        if kept is None or kept[0] != state:
            made = self._owners() if kind == "owners" else self._objects(kind, self._clock.seconds)
            kept = self._kept[kind] = (state, made)
        return kept[1]

    def indexed(self, kind: str, lag: int) -> list[Record]:
        """Return what search knows of a type: its records as they were `lag` seconds ago."""
        return self._objects(kind, self._clock.seconds - lag) if lag else self.all(kind)

    def visible(self, kind: str, archived: bool = False) -> list[Record]:
        """Return the records that a list call shows."""
        return [record for record in self.all(kind) if is_archived(record) == archived]

    def get(self, kind: str, identity: str) -> Record | None:
        """Return one record by id; the id of a merged one leads to the record that it became."""
        known = self._by_id.get(kind, {}).get(identity)
        if known and known.merged is not None and known.merged <= self.now_ms:
            identity = str(known.merged_into)
        records = self.all(kind)
        index = self._indexes.get(kind)
        if index is None or index[0] is not records:
            index = self._indexes[kind] = (records, {key_of(r): r for r in records})
        return index[1].get(identity)

    def put_at(self, kind: str, record: Record) -> int | None:
        """Return when a test put this record, in epoch milliseconds; None for the world's own."""
        layer = self._overlay.layer(VENDOR, kind)
        for put in layer.put.values():
            if put.record is record:
                return put.at * 1000
        return None

    def _objects(self, kind: str, now: int) -> list[Record]:
        """Return the records of a type as they were at an epoch second not after the clock."""
        layer = self._overlay.layer(VENDOR, kind)
        put = {key for key, one in layer.put.items() if one.at <= now}
        shown = []
        for thing in self._things(kind):
            removed = layer.removed.get(thing.id)
            if thing.id in put or not _exists(thing, now * 1000):
                continue
            if removed is None or removed > now:
                shown.append(self._record(kind, thing, layer.archived.get(thing.id), now * 1000))
        shown.sort(key=lambda record: int(record["id"]))
        return shown + self._put(kind, now)

    def _things(self, kind: str) -> list[CrmObject]:
        if kind == FEEDBACK:
            if self._feedback is None:
                self._feedback = submissions(self._world)
            return self._feedback
        return self._world.crm.objects.get(kind, [])

    def _record(self, kind: str, thing: CrmObject, put_away: int | None, now: int) -> Record:
        updated, properties = thing.at(now)
        archived = thing.archived if thing.archived and thing.archived <= now else None
        if put_away is not None and put_away * 1000 <= now:
            archived = put_away * 1000
        stamp = iso_ms(max(updated, archived or 0))
        full = {name: properties.get(name) for name in PROPERTIES[kind]}
        if kind == "companies":
            full |= self._noted(thing, updated)
        full[modified_name(kind)] = stamp
        full["hs_object_id"] = thing.id
        record: Record = {
            "id": thing.id,
            "properties": full,
            "createdAt": iso_ms(thing.created),
            "updatedAt": stamp,
            "archived": archived is not None,
        }
        if archived is not None:
            record["archivedAt"] = iso_ms(archived)
        return record

    def _noted(self, company: CrmObject, changed: int) -> dict[str, str]:
        """Return what the account's people note of a paying company when they touch its record."""
        payer = self._payers.get(company_of(company.id))
        if payer is None or fraction(self._world.frame.seed, "noted", company.id) > 0.8:
            return {}
        if payer.created * 1000 > changed:
            return {}
        since = day_of(payer.created).isoformat()
        return {"billing_customer_id": payer.id, "customer_since": since}

    def _put(self, kind: str, now: int | None = None) -> list[Any]:
        layer = self._overlay.layer(VENDOR, kind)
        shown = []
        for key, put in layer.put.items():
            if now is not None and put.at > now:
                continue
            if key in layer.archived and isinstance(put.record, dict):
                put.record.update(archived=True, archivedAt=iso_ms(layer.archived[key] * 1000))
            shown.append(put.record)
        return shown

    def _owners(self) -> list[Record]:
        layer = self._overlay.layer(VENDOR, "owners")
        made = iso_ms(self._world.frame.start * 1000)
        shown: list[Record] = [
            {
                "id": owner.id, "email": owner.email, "type": "PERSON", "firstName": owner.given,
                "lastName": owner.family, "userId": int(owner.id) % 1_000_000 + 1_296_000,
                "teams": [{"id": "178588", "name": "Customers", "primary": True}],
                "createdAt": made, "updatedAt": made,
                "archived": owner.archived or owner.id in layer.archived,
            }
            for owner in self._world.owners
            if owner.id not in layer.put and owner.id not in layer.removed
        ]  # fmt: skip
        return shown + self._put("owners")

    def pipelines(self, kind: str) -> list[Record]:
        """Return the pipelines of deals or tickets with their stages."""
        made = iso_ms(self._world.frame.start * 1000)
        stamps = {"createdAt": made, "updatedAt": made, "archived": False}
        if kind != "deals":
            return []
        stages = [
            {
                "id": name, "label": label, "displayOrder": order, **stamps,
                "metadata": {
                    "isClosed": str(chance in (0.0, 1.0)).lower(), "probability": str(chance),
                },
            }
            for order, (name, label, chance) in enumerate(STAGES)
        ]  # fmt: skip
        layer = self._overlay.layer(VENDOR, "pipelines")
        own = {"id": "default", "label": "Sales", "displayOrder": 0, **stamps, "stages": stages}
        shown = [] if "default" in layer.put or "default" in layer.removed else [own]
        return shown + self._put("pipelines")

    def links(self, from_type: str, to_type: str, from_id: str) -> list[Record]:
        """Return a record's associations as `{toObjectId, associationTypes}`, one per record."""
        now = self.now_ms
        found: dict[str, list[Record]] = {}
        layer = self._overlay.layer(VENDOR, "associations")
        for link in self._world.crm.links.get((from_type, to_type), {}).get(from_id, []):
            if link.start > now or (link.end is not None and link.end <= now):
                continue
            if self._there(link) and not layer.removed.keys() & _names_of(link):
                found[link.to_id] = _types(link)
        for put in layer.put.values():
            row = put.record
            name = f"{from_type}/{from_id}/{to_type}/{row['to_id']}"
            if layer.removed.get(name, -1) >= put.at:
                continue
            if (row["from_type"], row["to_type"], str(row["from_id"])) == (
                from_type,
                to_type,
                from_id,
            ):
                kind = {
                    "category": row.get("category", "HUBSPOT_DEFINED"),
                    "typeId": row.get("typeId", LINK_TYPES.get((from_type, to_type), (0, None))[0]),
                    "label": row.get("label"),
                }
                found.setdefault(str(row["to_id"]), []).append(kind)
        return [{"toObjectId": to_id, "associationTypes": kinds} for to_id, kinds in found.items()]

    def _there(self, link: Link) -> bool:
        for kind, identity in ((link.from_type, link.from_id), (link.to_type, link.to_id)):
            layer = self._overlay.layer(VENDOR, kind)
            if identity in layer.removed or identity in layer.archived:
                return False
            thing = self._by_id[kind].get(identity)
            gone = [thing.archived, thing.merged] if thing else []
            if any(moment is not None and moment <= self.now_ms for moment in gone):
                return False
        return True

    def put(self, kind: str, record: Any) -> None:
        """Insert one record, or override the one with its id."""
        identity = key_of(record)
        known = identity is not None and self.get(kind, identity) is not None
        self._overlay.put(VENDOR, kind, record, self._clock.seconds, known)

    def accounts(self) -> Iterator[tuple[str, str, str]]:
        """Yield (true company, id, state) of every company of the made-up world by now."""
        keys = {company.index: company.key for company in self._world.companies}
        now = self._clock.seconds * 1000
        for record in self._world.crm.objects["companies"]:
            if record.created <= now:
                merged = record.merged is not None and record.merged <= now
                gone = record.archived is not None and record.archived <= now
                state = "merged" if merged else "gone" if gone else "live"
                yield keys[company_of(record.id)], record.id, state

    def copy_of(self, kind: str, identity: str) -> Record | None:
        """Return a copy of one record, to be changed and put back."""
        return copy.deepcopy(self.get(kind, identity))


def is_archived(record: Any) -> bool:
    """Return whether a record says that it is archived; malformed ones do not."""
    return isinstance(record, dict) and record.get("archived") is True


def key_of(record: Any) -> str | None:
    """Return the id of a record as text, None when it has none."""
    identity = record.get("id") if isinstance(record, dict) else None
    return None if identity is None else str(identity)


def _exists(thing: CrmObject, now: int) -> bool:
    merged = thing.merged is not None and thing.merged <= now
    forgotten = thing.archived is not None and thing.archived + ARCHIVE_DAYS * DAY * 1000 <= now
    return thing.created <= now and not merged and not forgotten


def _names_of(link: Link) -> set[str]:
    """Return what a link is removed by, seen from either end."""
    one, other = f"{link.from_type}/{link.from_id}", f"{link.to_type}/{link.to_id}"
    return {f"{one}/{other}", f"{other}/{one}"}


def _types(link: Link) -> list[Record]:
    plain, primary = LINK_TYPES[link.from_type, link.to_type]
    kinds: list[Record] = [{"category": "HUBSPOT_DEFINED", "typeId": plain, "label": None}]
    if link.primary and primary is not None:
        kinds.append({"category": "HUBSPOT_DEFINED", "typeId": primary, "label": "Primary"})
    return kinds
