"""Intercom in the acceptance suite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestion.sources.intercom_api import SEARCH_PAGE
from sandbox import Sandbox
from sandbox.universe.support import AGENTS
from sandbox.vendors.intercom.lives import Lives
from tests.ingestion.acceptance import Stands, stands

CHANNELS = ("email", "web", "chat")
WORLD = {"options": {"intercom": {"channels": CHANNELS, "one_scroll": False}}}
WITHOUT = {"expire": "an access token does not expire"}
UNSEEN = {
    "admins": "deleted",
    "companies": "deleted",
    "contacts": "phone owner_id last_contacted_at gone merged_into",
    "contact_companies": "removed",
    "conversations": "title company_id sla_applied statistics__median_time_to_reply "
    "statistics__last_assignment_admin_reply_at",
    "conversation_contacts": "removed",
}
# Its cursor is the newest row that is stored.
AGAIN = tuple(
    f"delete from {kind} where updated_at > (select max(updated_at) from {kind}) - interval 9 day"
    for kind in ("conversations", "contacts")
)


def counts(box: Sandbox) -> dict[str, int]:
    """What is there by now; beside the live contacts, those gone that a conversation names."""
    now = int(box.now.timestamp())
    tickets = [one for one in box.world.tickets if one.created <= now]
    shown = [one for one in tickets if one.deleted is None or one.deleted > now]
    lives = Lives(box.world, box.world.tickets)
    there = {life.id: life for life in lives.all if life.there(now)}
    gone = {lives.writer(one, now).id for one in shown} - there.keys()
    known = {life.company.index for life in there.values()}
    return {
        "admins": AGENTS,
        "companies": len(known),
        "contacts": len(there) + len(gone),
        "contact_companies": sum(
            1 + len(known.intersection(life.others)) for life in there.values()
        ),
        "conversations": len(shown),
        "conversation_contacts": len(shown),
        "deleted_conversations": len(tickets) - len(shown),
    }


def update(box: Sandbox) -> Iterator[Stands]:
    """A conversation is marked, a contact and a company get other names."""
    for kind, change in (
        ("conversations", {"priority": "priority"}),
        ("contacts", {"name": "Renamed"}),
        ("companies", {"name": "Renamed"}),
    ):
        one = _some(box, kind, 0)
        box.put("intercom", kind, one | change | {"updated_at": _epoch(box.now)})
        ((name, value),) = change.items()
        yield stands(kind, f"id = '{one['id']}' and {name} = '{value}'")


def late(box: Sandbox) -> Iterator[Stands]:
    """A conversation within the lag; a contact of long ago, whom only counting finds."""
    last_pull = box.now - timedelta(hours=2)
    changes = [moment for one in box.world.tickets for moment in one.changes()]
    newest = max(moment for moment in changes if moment <= _epoch(last_pull))
    box.put("intercom", "conversations", a_conversation("7001", newest - 1800))
    yield stands("conversations", "id = '7001'")
    box.put("intercom", "contacts", a_contact("7002", _epoch(box.now - timedelta(days=40))))
    yield stands("contacts", "id = '7002'", 1, gone=None)


def ties(box: Sandbox) -> Iterator[Stands]:
    """Two pages and one more of one second."""
    many, now = 2 * SEARCH_PAGE + 1, _epoch(box.now)
    for number in range(many):
        box.put("intercom", "conversations", a_conversation(f"t{number}", now))
        box.put("intercom", "contacts", a_contact(f"t{number}", now))
        box.put("intercom", "companies", {"type": "company", "id": f"t{number}"})
    for kind in ("conversations", "contacts", "companies"):
        yield stands(kind, "id like 't%'", many)


def soft_delete(box: Sandbox) -> Iterator[Stands]:
    """A conversation whose metrics are kept; a contact that can be read and not be found."""
    conversation, contact = (_some(box, kind, 1) for kind in ("conversations", "contacts"))
    box.archive("intercom", "conversations", conversation["id"])
    where = f"id = '{conversation['id']}'"
    yield stands("deleted_conversations", where, 1, metrics_retained=True, deleted_at=box.now)
    box.archive("intercom", "contacts", contact["id"])
    yield stands("contacts", f"id = '{contact['id']}' and gone = 'archived'")


def hard_delete(box: Sandbox) -> Iterator[Stands]:
    """Rows stay and say that the record is gone."""
    conversation, contact, company, admin = (
        _some(box, kind, 2)["id"] for kind in ("conversations", "contacts", "companies", "admins")
    )
    box.remove("intercom", "conversations", conversation)
    yield stands("deleted_conversations", f"id = '{conversation}'", 1, metrics_retained=False)
    box.remove("intercom", "contacts", contact)
    yield stands("contacts", f"id = '{contact}' and gone = 'deleted'")
    box.remove("intercom", "companies", company)
    yield stands("companies", f"id = '{company}' and deleted")
    box.remove("intercom", "admins", admin)
    yield stands("admins", f"id = '{admin}' and deleted")


def merge(box: Sandbox) -> Iterator[Stands]:
    """A contact that was known, and one that was not and whom a conversation names."""
    known, into = (_some(box, "contacts", number)["id"] for number in (3, 4))
    for one in (known, "lead-unknown"):
        box.put("intercom", "contact_merges", {"id": one, "into": into})
        where = f"id = '{one}' and gone = 'merged'"
        yield stands("contacts", where, 1, merged_into=into)
    talk = a_conversation("7003", _epoch(box.now), "lead-unknown")
    box.put("intercom", "conversations", talk)


def future(box: Sandbox) -> Iterator[Stands]:
    """A contact is stored as it is; a conversation is taken when its time has come."""
    far = datetime(2099, 1, 1, tzinfo=UTC)
    box.put("intercom", "contacts", a_contact("7004", _epoch(far)))
    box.put("intercom", "conversations", a_conversation("7005", _epoch(far)))
    yield stands("contacts", "id = '7004'", 1, updated_at=far)


def flip(box: Sandbox) -> str:
    """Words for a flag, in more than a fifth of what changed lately."""
    for number in range(200):
        wrong = {"unsubscribed_from_emails": "perhaps"}
        box.put("intercom", "contacts", a_contact(f"f{number}", _epoch(box.now)) | wrong)
    return "contacts"


def a_contact(identity: str, updated: int, *companies: str) -> dict[str, Any]:
    """A contact of some companies that was made and changed at one moment."""
    listed = [{"type": "company", "id": one} for one in companies]
    return {
        "type": "contact", "id": identity, "role": "user", "email": f"{identity}@put.example",
        "created_at": updated, "updated_at": updated,
        "companies": {"type": "list", "data": listed, "total_count": len(listed)},
    }  # fmt: skip


def a_conversation(identity: str, updated: int, *contacts: str) -> dict[str, Any]:
    """A conversation with some contacts that began and changed at one moment."""
    listed = [{"type": "contact", "id": one} for one in contacts]
    return {
        "type": "conversation", "id": identity, "state": "open", "open": True,
        "created_at": updated, "updated_at": updated,
        "contacts": {"type": "contact.list", "contacts": listed},
    }  # fmt: skip


def _some(box: Sandbox, kind: str, number: int) -> dict[str, Any]:
    """The n-th record of the world that is shown and that no test has put."""
    store = box._services["intercom"]._store  # type: ignore[attr-defined]
    made = [one for one in store.all(kind) if store.put_at(kind, one["id"]) is None]
    found: dict[str, Any] = made[number]
    return found


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())
