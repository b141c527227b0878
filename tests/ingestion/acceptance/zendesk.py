"""Zendesk in the acceptance suite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestion.sources.zendesk import EXPORT_PAGE
from sandbox import Sandbox
from sandbox.universe.support import AGENTS, Ticket
from sandbox.vendors.zendesk.desk import Desk
from tests.ingestion.acceptance import Stands, stands

CHANNELS = ("email", "web")
WORLD = {"companies": 40, "months": 6}
WITHOUT = {"merge": "the export shows a merged organization or user as a deleted one"}
UNSEEN = {
    "tickets": "external_id custom_status_id problem_id due_at",
    "users": "external_id last_login_at",
    "organizations": "group_id deleted_at",
    "satisfaction_ratings": "deleted",
    "ticket_metric_events": "sla",
}
FAULTS = ("rate_limit", "server_error", "down", "cut_stream", "maintenance")
AGAIN = (
    "delete from pulls",
    "delete from tickets where generated_at > timestamptz '2026-10-01'",
    "delete from ticket_metric_events where \"time\" > timestamptz '2026-10-01'",
)


def counts(box: Sandbox) -> dict[str, int]:
    """What happened by a minute ago: exports hold back the last one."""
    now = int(box.now.timestamp())
    tickets = [
        one for one in box.world.tickets if one.channel in CHANNELS and one.created < now - 60
    ]
    writers = {(one.company.index, one.person.number) for one in tickets}
    organizations = Desk(box.world, CHANNELS).organizations.values()
    return {
        "tickets": len(tickets),
        "users": len(writers) + AGENTS,
        "organizations": sum(one.created < now - 60 for one in organizations),
        "satisfaction_ratings": sum(one.rating(now) is not None for one in tickets),
        "ticket_metric_events": sum(_metric_events(one, now - 60) for one in tickets),
    }


def _metric_events(one: Ticket, now: int) -> int:
    """Three clocks start; a first answer stops one and notes it; others go with the status."""
    found, answered, turns = 3, False, [*one.replies, *one.statuses[1:]]
    for at, turn in sorted(turns, key=lambda turn: (turn[0], isinstance(turn[1], str))):
        if at > now:
            break
        if isinstance(turn, str):
            found += 2
        elif turn:
            found += 0 if answered else 2
            answered = True
        else:
            found += answered
            answered = False
    return found


def update(box: Sandbox) -> Iterator[Stands]:
    """A priority that people raised; a status that only the system touched."""
    one, other, _ = _some(box, "tickets", 3)
    box.put("zendesk", "tickets", one | {"priority": "urgent", "updated_at": _iso(box.now)})
    yield stands("tickets", f"id = '{one['id']}' and priority = 'urgent'", 1)
    box.put("zendesk", "tickets", other | {"status": "open", "custom_status_id": 77})
    yield stands("tickets", f"id = '{other['id']}' and custom_status_id = '77'", 1, status="open")


def late(box: Sandbox) -> Iterator[Stands]:
    """A ticket of last year that was imported today; a rating that changed after three weeks."""
    old = a_ticket(7_001, box) | {"created_at": "2025-03-01T00:00:00Z", "updated_at": None}
    box.put("zendesk", "tickets", old)
    yield stands("tickets", "id = '7001'", 1)
    given = box.now - timedelta(days=21)
    rating = {
        "id": 7_002,
        "ticket_id": 7_001,
        "score": "bad",
        "created_at": _iso(given),
        "updated_at": _iso(box.now),
    }
    box.put("zendesk", "satisfaction_ratings", rating)
    yield stands("satisfaction_ratings", "id = '7002'", 1, score="bad")


def ties(box: Sandbox) -> Iterator[Stands]:
    """Of each export a page and one more that changed in one second."""
    for number in range(EXPORT_PAGE + 1):
        box.put("zendesk", "organizations", {"id": 100_000 + number, "name": "Imported"})
        box.put("zendesk", "tickets", a_ticket(200_000 + number, box))
        event = {"id": 300_000 + number, "ticket_id": 1, "metric": "reply_time"}
        stamp = _iso(box.now - timedelta(minutes=30))
        box.put("zendesk", "ticket_metric_events", event | {"type": "breach", "time": stamp})
    yield stands("organizations", "name = 'Imported'", EXPORT_PAGE + 1)
    yield stands("tickets", "subject = 'Put'", EXPORT_PAGE + 1 + 1)
    yield stands("ticket_metric_events", "type = 'breach'", EXPORT_PAGE + 1)


def soft_delete(box: Sandbox) -> Iterator[Stands]:
    """A ticket in the bin, a user who is suspended for good, an organization that is no more."""
    for resource, where in (
        ("tickets", "status = 'deleted'"),
        ("users", "active = false"),
        ("organizations", "deleted_at is not null"),
    ):
        identity = _some(box, resource, 5)[-1]["id"]
        box.archive("zendesk", resource, identity)
        yield stands(resource, f"id = '{identity}' and {where}")


def hard_delete(box: Sandbox) -> Iterator[Stands]:
    """A ticket and a user are scrubbed; a rating is gone and flagged."""
    ticket, user = (_some(box, resource, 6)[-1]["id"] for resource in ("tickets", "users"))
    box.remove("zendesk", "tickets", ticket)
    yield stands("tickets", f"id = '{ticket}' and subject = 'SCRUBBED'", 1, status="deleted")
    box.remove("zendesk", "users", user)
    yield stands("users", f"id = '{user}' and email is null", 1, active=False)
    recent = _iso(box.now - timedelta(days=10))
    rating = next(
        one
        for one in reversed(_some(box, "satisfaction_ratings", None))
        if one["score"] != "offered" and recent < one["created_at"] < _iso(box.now)
    )
    box.remove("zendesk", "satisfaction_ratings", rating["id"])
    yield stands("satisfaction_ratings", f"id = '{rating['id']}' and deleted", 1)


def future(box: Sandbox) -> Iterator[Stands]:
    """A ticket, an organization and a moment of a ticket that are dated ahead."""
    stamp = datetime(2099, 1, 1, tzinfo=UTC)
    ticket = a_ticket(9_999_999, box) | {"generated_timestamp": int(stamp.timestamp())}
    box.put("zendesk", "tickets", ticket | {"subject": "Ahead"})
    yield stands("tickets", "id = '9999999'")
    ahead = {"id": 9_999_998, "name": "Ahead", "updated_at": _iso(stamp)}
    box.put("zendesk", "organizations", ahead)
    yield stands("organizations", "id = '9999998'")
    event = {"id": 9_999_997, "ticket_id": 1, "metric": "reply_time", "type": "activate"}
    box.put("zendesk", "ticket_metric_events", event | {"time": _iso(stamp)})
    yield stands("ticket_metric_events", "id = '9999997'")


def flip(box: Sandbox) -> str:
    """Words for a flag."""
    for number in range(25):
        box.put("zendesk", "tickets", a_ticket(8_000 + number, box) | {"is_public": "perhaps"})
    return "tickets"


def expire(box: Sandbox) -> None:
    """One of the exports finds the token refused that the others were given theirs by."""
    box.fault("zendesk", "token_expired", times=1, path="/incremental/")


def a_ticket(number: int, box: Sandbox) -> dict[str, Any]:
    """A ticket made just now by nobody known."""
    now = int(box.now.timestamp())
    stamp = _iso(box.now)
    return {
        "id": number,
        "subject": "Put",
        "status": "new",
        "created_at": stamp,
        "updated_at": stamp,
        "generated_timestamp": now,
    }


def _some(box: Sandbox, resource: str, count: int | None) -> list[dict[str, Any]]:
    """Records of the world that are live."""
    store = box._services["zendesk"]._store  # type: ignore[attr-defined]
    rows = [record for _, _, record in store.rows(resource) if record.get("status") != "deleted"]
    return [dict(one) for one in rows[:count]]


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
