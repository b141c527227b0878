"""Salesforce in the acceptance suite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from sandbox import Sandbox
from sandbox.universe.crm import CrmObject
from sandbox.vendors.salesforce.ids import record_id
from tests.ingestion.acceptance import Stands, stands

PAGE = 50
WORLD = {"options": {"salesforce": {"page_rows": PAGE}}}
WITHOUT: dict[str, str] = {}
UNSEEN = {
    "accounts": "master_record_id",
    "contacts": "master_record_id",
    "opportunity_line_items": "service_date",
}
# Numbers that the world does not reach.
NEW = 90 * 10**9
RECYCLED_MS = 15 * 86_400_000


def counts(box: Sandbox) -> dict[str, int]:
    """Records that were made by now and are not gone from the recycle bin.

    A merge of the world makes a third record, here one of the two stays: the second company, or the
    copy of a contact, which is numbered from 500 on.
    """
    now, world = int(box.now.timestamp()) * 1000, box.world

    def there(made: CrmObject, gone: int | None) -> bool:
        return made.created <= now and (gone is None or gone + RECYCLED_MS > now)

    def merging(kind: str, copies: range, made: CrmObject) -> bool:
        loses = made.merged if int(made.id) % 10_000 in copies else None
        return there(made, loses or made.archived)

    objects = world.crm.objects
    became = {one.merged_into for kind in objects for one in objects[kind]}
    meetings = [
        (one, next((at for at, said in one.versions if "CANCELED" in said.values()), None))
        for one in objects["meetings"]
    ]
    return {
        "accounts": sum(
            merging("companies", range(1, 2), one)
            for one in objects["companies"]
            if one.id not in became
        ),
        "contacts": sum(
            merging("contacts", range(500, 600), one)
            for one in objects["contacts"]
            if one.id not in became
        ),
        "opportunities": sum(there(one, one.archived) for one in objects["deals"]),
        "opportunity_line_items": asked(box, "SELECT COUNT() FROM OpportunityLineItem")[
            "totalSize"
        ],
        "users": len(world.owners) + 1,
        "tasks": asked(box, "SELECT COUNT() FROM Task")["totalSize"],
        "events": sum(there(one, gone) for one, gone in meetings),
    }


def update(box: Sandbox) -> Iterator[Stands]:
    """Another name, and a stage that only automation has changed."""
    account = existing(box, "Account")
    box.put("salesforce", "Account", account | {"Name": "Renamed", "SystemModstamp": iso(box.now)})
    yield stands("accounts", f"id = '{account['Id']}'", 1, name="Renamed")
    sale = existing(box, "Opportunity")
    box.put(
        "salesforce", "Opportunity", sale | {"StageName": "Odd", "SystemModstamp": iso(box.now)}
    )
    before = datetime.fromisoformat(sale["LastModifiedDate"])
    yield stands(
        "opportunities", "stage_name = 'Odd'", 1, last_modified_date=before, system_modstamp=box.now
    )


def late(box: Sandbox) -> Iterator[Stands]:
    """Stamped before the last pull and committed after it; and so long ago that no lag helps."""
    for number, moment in enumerate((box.now - timedelta(hours=3), box.now - timedelta(days=40))):
        contact = a_contact(number, moment)
        box.put("salesforce", "Contact", contact)
        yield stands("contacts", f"id = '{contact['Id']}'", 1, system_modstamp=moment)


def ties(box: Sandbox) -> Iterator[Stands]:
    """Two pages and one more, stamped alike, as after a data load."""
    for number in range(100, 101 + 2 * PAGE):
        box.put("salesforce", "Contact", a_contact(number, box.now, LastName="Alike"))
    yield stands("contacts", "last_name = 'Alike'", 2 * PAGE + 1, system_modstamp=box.now)


def soft_delete(box: Sandbox) -> Iterator[Stands]:
    """Into the recycle bin."""
    identity = existing(box, "Event")["Id"]
    box.archive("salesforce", "Event", identity)
    yield stands("events", f"id = '{identity}'", 1, is_deleted=True)


def hard_delete(box: Sandbox) -> Iterator[Stands]:
    """Past the recycle bin; the row stays."""
    identity = existing(box, "Task")["Id"]
    box.remove("salesforce", "Task", identity)
    yield stands("tasks", f"id = '{identity}' and subject is not null", 1, is_deleted=True)


def merge(box: Sandbox) -> Iterator[Stands]:
    """The loser is deleted and names the one that it became."""
    winner, loser = existing(box, "Account", 1), existing(box, "Account", 2)
    gone = {"IsDeleted": True, "MasterRecordId": winner["Id"], "SystemModstamp": iso(box.now)}
    box.put("salesforce", "Account", loser | gone)
    yield stands(
        "accounts", f"id = '{loser['Id']}'", 1, is_deleted=True, master_record_id=winner["Id"]
    )


def future(box: Sandbox) -> Iterator[Stands]:
    """Stored as it is."""
    far = datetime(2099, 1, 1, tzinfo=UTC)
    box.put("salesforce", "Contact", a_contact(50, far))
    yield stands("contacts", f"id = '{record_id('Contact', NEW + 50)}'", 1, system_modstamp=far)


def flip(box: Sandbox) -> str:
    """Words for a number."""
    for number in range(25):
        sale = {"Id": record_id("Opportunity", NEW + number), "Amount": "about a thousand"}
        box.put("salesforce", "Opportunity", sale | {"SystemModstamp": iso(box.now)})
    return "opportunities"


def expire(box: Sandbox) -> None:
    """The token that was given out is refused while records are asked for."""
    box.fault("salesforce", "unauthorized", times=1, path="queryAll")


def existing(box: Sandbox, kind: str, place: int = 0) -> dict[str, Any]:
    """The nth live record of a kind."""
    query = f"SELECT Id FROM {kind} WHERE IsDeleted = false"
    found = box.record("salesforce", kind, asked(box, query)["records"][place]["Id"])
    assert found
    return dict(found)


def a_contact(number: int, moment: datetime, **more: Any) -> dict[str, Any]:
    """A contact changed at `moment`."""
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), iso(moment))
    return {"Id": record_id("Contact", NEW + number), "IsDeleted": False, **stamps, **more}


def iso(moment: datetime) -> str:
    """A moment as the vendor writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000+0000"


def asked(box: Sandbox, query: str) -> dict[str, Any]:
    """The first page of a query, by requests of the test's own."""
    variables = box.environment()
    base = variables["SOURCES__SALESFORCE__BASE_URL"]
    form = {
        "grant_type": "client_credentials",
        "client_id": variables["SOURCES__SALESFORCE__CLIENT_ID"],
        "client_secret": variables["SOURCES__SALESFORCE__CLIENT_SECRET"],
    }
    login = requests.post(f"{base}/services/oauth2/token", data=form, timeout=60).json()
    page: dict[str, Any] = requests.get(
        f"{base}/services/data/v67.0/queryAll",
        params={"q": query},
        headers={"Authorization": f"Bearer {login['access_token']}"},
        timeout=60,
    ).json()
    return page
