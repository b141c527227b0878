"""Records as the API spells them, each with the second in which it last changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox.universe.calendar import DAY
from sandbox.universe.support import Agent, Ticket
from sandbox.vendors.zendesk.desk import AGENTS, Case, Organization, User

Record = dict[str, Any]
HOST = "https://acme.zendesk.com"
RATINGS, OFFERS = 9_000_000, 8_000_000
# A ticket that nobody reopens is closed by an automation, which is no update of the ticket.
CLOSED_AFTER = 4 * DAY
GROUP, BRAND, FORM = 360_001, 360_002, 360_003


def iso(epoch: int) -> str:
    """Return an epoch second as the API writes it."""
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%dT%H:%M:%SZ}"


def organization(one: Organization, now: int) -> tuple[int, Record]:
    """Return the organization at a moment."""
    changes = [one.created]
    name = one.name
    if one.renamed and one.renamed[0] <= now:
        changes.append(one.renamed[0])
        name = one.renamed[1]
    deleted = one.deleted if one.deleted and one.deleted <= now else None
    changed = max([*changes, deleted or 0])
    return changed, {
        "id": one.id,
        "url": f"{HOST}/api/v2/organizations/{one.id}.json",
        "name": name,
        "domain_names": list(one.domains),
        "external_id": one.external_id,
        "group_id": None,
        "shared_tickets": False,
        "shared_comments": False,
        "details": "",
        "notes": "",
        "tags": [one.company.plan],
        "organization_fields": {"crm_id": one.crm_id, "plan": one.company.plan},
        "created_at": iso(one.created),
        "updated_at": iso(changed),
        "deleted_at": iso(deleted) if deleted else None,
    }


def end_user(one: User, now: int) -> tuple[int, Record]:
    """Return an end user at a moment."""
    joined = one.joined is not None and one.joined <= now
    left = one.left if one.left and one.left <= now else None
    changed = max(one.created, one.joined if joined and one.joined else 0, left or 0)
    record = _user(one.id, f"{one.person.given} {one.person.family}", one.email, one.created)
    return changed, record | {
        "role": "end-user",
        "organization_id": one.organization if joined else None,
        "active": left is None,
        "updated_at": iso(changed),
        "user_fields": {"job_title": one.person.title},
    }


def agent(identity: int, one: Agent, since: int) -> tuple[int, Record]:
    """Return an agent; the first one is the admin."""
    record = _user(identity, f"{one.given} {one.family}", one.email, since)
    role = "agent" if one.number else "admin"
    return since, record | {"role": role, "updated_at": iso(since), "default_group_id": GROUP}


def _user(identity: int, name: str, email: str | None, created: int) -> Record:
    return {
        "id": identity,
        "url": f"{HOST}/api/v2/users/{identity}.json",
        "name": name,
        "email": email,
        "role": "end-user",
        "organization_id": None,
        "external_id": None,
        "active": True,
        "suspended": False,
        "verified": email is not None,
        "phone": None,
        "tags": [],
        "user_fields": {},
        "iana_time_zone": "Etc/UTC",
        "created_at": iso(created),
        "last_login_at": None,
    }


def ticket(case: Case, now: int) -> tuple[int, Record]:
    """Return a ticket at a moment; its export stamp moves also when `updated_at` does not."""
    one, user = case.ticket, case.user
    updated = max(at for at in one.changes() if at <= now)
    changed, status = updated, _status(one, now)
    closes = _closes(one)
    if closes is not None and closes <= now:
        changed = max(updated, closes)
    organization_id = user.organization if user.joined and user.joined <= one.created else None
    return changed, {
        "id": case.id,
        "url": f"{HOST}/api/v2/tickets/{case.id}.json",
        "external_id": None,
        "via": {"channel": one.channel, "source": {"from": {}, "to": {}, "rel": None}},
        "created_at": iso(one.created),
        "updated_at": iso(updated),
        "generated_timestamp": changed,
        "type": "incident" if one.topic in ("outage", "bug") else "question",
        "subject": one.subject,
        "raw_subject": one.subject,
        "description": f"{one.subject}\n\n{user.person.given}",
        "priority": one.priority(now),
        "status": status,
        "recipient": "support@vendor.example",
        "requester_id": user.id,
        "submitter_id": user.id,
        "assignee_id": AGENTS + one.agent if (one.first_reply or now + 1) <= now else None,
        "organization_id": organization_id,
        "group_id": GROUP,
        "collaborator_ids": [],
        "follower_ids": [],
        "problem_id": None,
        "has_incidents": False,
        "is_public": True,
        "due_at": None,
        "tags": [one.topic],
        "custom_fields": [{"id": 27642, "value": one.topic}],
        "fields": [{"id": 27642, "value": one.topic}],
        "satisfaction_rating": _rating_of(case, now),
        "custom_status_id": None,
        "ticket_form_id": FORM,
        "brand_id": BRAND,
        "followup_ids": [],
        "from_messaging_channel": False,
    }


def scrubbed(record: Record, at: int) -> Record:
    """Return what is left of a ticket that was deleted for good."""
    kept = {name: record.get(name) for name in ("id", "url", "created_at", "via", "brand_id")}
    empty = dict.fromkeys(record.keys() - kept.keys())
    return (
        empty
        | kept
        | {
            "status": "deleted",
            "subject": "SCRUBBED",
            "raw_subject": "SCRUBBED",
            "description": "SCRUBBED",
            "updated_at": iso(at),
            "generated_timestamp": at,
        }
    )


def _closes(one: Ticket) -> int | None:
    at, status = one.statuses[-1]
    return at + CLOSED_AFTER if status == "solved" and one.deleted is None else None


def _status(one: Ticket, now: int) -> str:
    if one.deleted is not None and one.deleted <= now:
        return "deleted"
    status = one.status(now)
    if status == "open":
        return "open" if (one.first_reply or now + 1) <= now else "new"
    if status == "waiting":
        return "hold" if one.created % 10 == 0 else "pending"
    closes = _closes(one)
    return "closed" if closes is not None and closes <= now else "solved"


def _rating_of(case: Case, now: int) -> Record | None:
    rating = case.ticket.rating(now)
    if rating is None:
        return {"score": "offered" if case.ticket.status(now) == "solved" else "unoffered"}
    score = "good" if rating.good else "bad"
    return {"score": score, "id": RATINGS + case.id, "comment": rating.comment}


def rating(case: Case, now: int) -> tuple[int, Record] | None:
    """Return the rating of a ticket at a moment; one that was only offered counts as well."""
    one, given = case.ticket, case.ticket.rating(now)
    if given is not None:
        identity, made, changed = RATINGS + case.id, one.ratings[0].at, given.at
        score = "good" if given.good else "bad"
        score += "_with_comment" if given.comment else ""
    elif not one.ratings and one.statuses[-1][1] == "solved" and one.statuses[-1][0] < now:
        identity, made, changed = OFFERS + case.id, *(2 * (one.statuses[-1][0],))
        score = "offered"
    else:
        return None
    return changed, {
        "id": identity,
        "url": f"{HOST}/api/v2/satisfaction_ratings/{identity}.json",
        "assignee_id": AGENTS + one.agent,
        "group_id": GROUP,
        "requester_id": case.user.id,
        "ticket_id": case.id,
        "score": score.removesuffix("_with_comment"),
        "comment": given.comment if given else None,
        "reason": "No reason provided" if given else None,
        "reason_id": 1000 if given else None,
        "created_at": iso(made),
        "updated_at": iso(changed),
    }
