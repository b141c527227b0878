"""HubSpot in the acceptance suite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestion.sources.hubspot_api import SEARCH_PAGE
from sandbox import Sandbox
from sandbox.universe.crm import record_id
from sandbox.universe.selling import STAGES
from tests.ingestion.acceptance import Stands, stands

OBJECTS = ("companies", "contacts", "deals", "meetings")
LINKS = {
    "assoc_company_contact": ("companies", "contacts"),
    "assoc_company_deal": ("companies", "deals"),
    "assoc_deal_contact": ("deals", "contacts"),
    "assoc_meeting_company": ("meetings", "companies"),
}
WITHOUT = {"expire": "a static token does not expire; an app's has tests of its own"}
UNSEEN = {
    "companies": "archived_at properties__hs_merged_object_ids",
    "contacts": "archived_at properties__hs_calculated_merged_vids",
    "deals": "archived_at",
    "meetings": "archived_at",
    "feedback_submissions": "archived_at properties__hs_sentiment",
    "assoc_deal_contact": "label",
    "assoc_meeting_company": "label",
}
NOTICED = ("archived_at",)
# Its cursor is the newest row that is stored.
AGAIN = tuple(
    f"delete from {kind} where updated_at > (select max(updated_at) from {kind}) - interval 9 day"
    for kind in OBJECTS
)


def counts(box: Sandbox) -> dict[str, int]:
    """Records that exist by now, and one row per label of each link between two that do."""
    now = int(box.now.timestamp() * 1000)
    there = {
        kind: {one.id: one for one in many if one.created <= now < (one.merged or now + 1)}
        for kind, many in box.world.crm.objects.items()
    }
    live = {
        kind: {key for key, one in many.items() if one.archived is None or one.archived > now}
        for kind, many in there.items()
    }
    found = {kind: len(there[kind]) for kind in OBJECTS}
    for table, (start, end) in LINKS.items():
        pairs = [
            (link.from_id, link.to_id, link.primary)
            for many in box.world.crm.links[start, end].values()
            for link in many
            if link.start <= now < (link.end or now + 1)
            and link.from_id in live[start]
            and link.to_id in live[end]
        ]
        labelled = table in ("assoc_company_contact", "assoc_company_deal")
        found[table] = len(pairs) + sum(one for *_, one in pairs if labelled)
    known = {one.id: one.created for one in box.world.crm.objects["contacts"]}
    answers = [
        one
        for one in box.world.surveys
        if one.programme == "crm" and one.responded_at * 1000 <= now
        if known.get(record_id("contacts", one.company.index, one.person.number), now) < now
    ]
    return found | {
        "feedback_submissions": len(answers),
        "owners": len(box.world.owners),
        "pipelines": 1,
        "pipeline_stages": len(STAGES),
    }


def update(box: Sandbox) -> Iterator[Stands]:
    """Another amount, a moment ago."""
    deal = _some(box, "deals", 0)
    stamp = _stamp(box.now)
    deal["properties"] |= {"amount": "4711", "hs_lastmodifieddate": stamp}
    box.put("hubspot", "deals", deal | {"updatedAt": stamp})
    yield stands("deals", f"id = '{deal['id']}'", 1, properties__amount="4711")


def late(box: Sandbox) -> Iterator[Stands]:
    """Turns up now, dated forty days ago: only counting finds it."""
    box.put("hubspot", "companies", a_company("990001", box.now - timedelta(days=40)))
    yield stands("companies", "id = '990001'")


def ties(box: Sandbox) -> Iterator[Stands]:
    """Two pages and one more."""
    for number in range(2 * SEARCH_PAGE + 1):
        box.put("hubspot", "companies", a_company(str(700000 + number), box.now))
    yield stands("companies", "id between '700000' and '700400'", 2 * SEARCH_PAGE + 1)


def soft_delete(box: Sandbox) -> Iterator[Stands]:
    """Archived."""
    identity = _some(box, "meetings", 0)["id"]
    box.archive("hubspot", "meetings", identity)
    yield stands("meetings", f"id = '{identity}'", 1, archived=True, archived_at=box.now)


def hard_delete(box: Sandbox) -> Iterator[Stands]:
    """Gone from every list; the row stays and says so."""
    identity = _some(box, "meetings", 1)["id"]
    box.remove("hubspot", "meetings", identity)
    yield stands("meetings", f"id = '{identity}'", 1, archived=True)


def merge(box: Sandbox) -> Iterator[Stands]:
    """Two contacts become a third one, whose list of merged ids contains itself."""
    first, second = (_some(box, "contacts", number) for number in (0, 1))
    for one in (first, second):
        box.remove("hubspot", "contacts", one["id"])
    merged = f"{first['id']};{second['id']};880001"
    stamp = _stamp(box.now)
    properties = first["properties"] | {
        "hs_object_id": "880001", "hs_calculated_merged_vids": merged, "lastmodifieddate": stamp,
    }  # fmt: skip
    box.put(
        "hubspot",
        "contacts",
        first | {"id": "880001", "properties": properties, "updatedAt": stamp},
    )
    yield stands("contacts", "id = '880001'", 1, properties__hs_calculated_merged_vids=merged)
    yield stands("contacts", f"id in ('{first['id']}', '{second['id']}') and archived", 2)


def future(box: Sandbox) -> Iterator[Stands]:
    """Stored as it is."""
    far = datetime(2099, 1, 1, tzinfo=UTC)
    box.put("hubspot", "companies", a_company("990002", far))
    yield stands("companies", "id = '990002'", 1, updated_at=far)


def flip(box: Sandbox) -> str:
    """Amounts in words."""
    stamp = _stamp(box.now)
    for deal in (_some(box, "deals", number) for number in range(20)):
        deal["properties"] |= {"amount": "about a thousand", "hs_lastmodifieddate": stamp}
        box.put("hubspot", "deals", deal | {"updatedAt": stamp})
    return "deals"


def a_company(identity: str, moment: datetime, **properties: Any) -> dict[str, Any]:
    """A company that was made and changed at one moment."""
    stamp = _stamp(moment)
    return {
        "id": identity,
        "properties": {
            "name": f"Company {identity}",
            "createdate": stamp,
            "hs_lastmodifieddate": stamp,
            "hs_object_id": identity,
            **properties,
        },
        "createdAt": stamp,
        "updatedAt": stamp,
        "archived": False,
    }


def _some(box: Sandbox, kind: str, number: int) -> dict[str, Any]:
    """The n-th record of the world that is live and that no test has put."""
    made = (box.record("hubspot", kind, one.id) for one in box.world.crm.objects[kind])
    live = [one for one in made if one and not one["archived"]]
    found: dict[str, Any] = live[number]
    return found


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
