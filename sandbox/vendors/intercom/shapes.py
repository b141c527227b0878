"""Records as the API spells them, from lives and tickets at one moment."""

from __future__ import annotations

from typing import Any

from sandbox.universe import names
from sandbox.universe.calendar import DAY
from sandbox.universe.chance import fraction
from sandbox.universe.companies import Company
from sandbox.universe.crm import account_key, company_id
from sandbox.universe.events import user_id
from sandbox.universe.support import Agent, Ticket
from sandbox.vendors.intercom.lives import Life

Json = dict[str, Any]
ADMIN_BASE = 991_267_000
INLINE_COMPANIES = 10
CRM_ATTRIBUTE = "crm_company_id"
STATES = {"open": "open", "waiting": "snoozed", "solved": "closed"}


def admin(agent: Agent) -> Json:
    """Return a teammate."""
    return {
        "type": "admin", "id": str(ADMIN_BASE + agent.number), "email": agent.email,
        "name": f"{agent.given} {agent.family}", "job_title": "Support", "away_mode_enabled": False,
        "away_mode_reassign": False, "away_status_reason_id": None, "has_inbox_seat": True,
        "team_ids": [5_017_691], "avatar": None,
        "team_priority_level": {"primary_team_ids": [5_017_691], "secondary_team_ids": []},
    }  # fmt: skip


def company(one: Company, identity: str, created: int, seen: int, users: int, seed: int) -> Json:
    """Return a company with `users` contacts, last seen at `seen`."""
    draw = fraction(seed, "intercom company", one.index)
    attributes: Json = {}
    crm = company_id(one)
    if crm is not None and fraction(seed, "intercom crm", one.index) < 0.5:
        attributes[CRM_ATTRIBUTE] = crm
    style = int(draw * 8)
    has_site = not one.free_mail and fraction(seed, "intercom site", one.index) < 0.6
    return {
        "type": "company", "id": identity, "app_id": "sandbox1",
        "company_id": account_key(one) or identity,
        "name": names.written(one.name, one.legal_short, one.legal_long, style),
        "plan": {"type": "plan", "id": "1", "name": one.plan} if one.in_product else {},
        "monthly_spend": 0, "session_count": users * 7, "user_count": users,
        "created_at": created, "updated_at": seen, "remote_created_at": created,
        "last_request_at": seen, "industry": one.industry if draw < 0.5 else None,
        "size": one.employees if draw < 0.7 else None,
        "website": f"https://www.{one.domain}/" if has_site else None,
        "tags": {"type": "tag.list", "tags": []},
        "segments": {"type": "segment.list", "segments": []}, "custom_attributes": attributes,
    }  # fmt: skip


def seen_at(life: Life, now: int) -> int:
    """Return when a contact was last seen: users come back every week until they leave."""
    if life.role != "user":
        return life.created
    until = now if life.seen_until is None else min(now, life.seen_until)
    return life.created + max(0, until - life.created) // (7 * DAY) * 7 * DAY


def contact(life: Life, companies: list[str], wrote: int | None, now: int) -> Json:
    """Return a contact that belongs to `companies` and last wrote at `wrote`."""
    person, seen = life.person, seen_at(life, now)
    named = life.role == "user" or life.id[-1] in "0123456789ab"
    return {
        "type": "contact", "id": life.id, "workspace_id": "sandbox1",
        "external_id": user_id(life.company.index, person.number) if life.role == "user" else None,
        "role": life.role, "email": person.email, "phone": None,
        "name": f"{person.given} {person.family}" if named else None, "avatar": None,
        "owner_id": None, "social_profiles": {"type": "list", "data": []},
        "has_hard_bounced": False, "marked_email_as_spam": False,
        "unsubscribed_from_emails": False, "created_at": life.created,
        "updated_at": max(seen, wrote or 0),
        "signed_up_at": life.created if life.role == "user" else None, "last_seen_at": seen,
        "last_replied_at": wrote, "last_contacted_at": None, "last_email_opened_at": None,
        "last_email_clicked_at": None, "language_override": None, "browser": "chrome",
        "browser_version": "140.0", "browser_language": "en", "os": "OS X 10.15",
        "location": {"type": "location", "country": life.company.country, "region": None,
                     "city": None},
        "custom_attributes": {}, "tags": _none(f"/contacts/{life.id}/tags"),
        "notes": _none(f"/contacts/{life.id}/notes"), "companies": attached(life.id, companies),
    }  # fmt: skip


def attached(identity: str, companies: list[str]) -> Json:
    """Return the companies of a contact as they stand inside it: ten at most."""
    shown = companies[:INLINE_COMPANIES]
    return {
        "type": "list", "url": f"/contacts/{identity}/companies", "total_count": len(companies),
        "has_more": len(companies) > len(shown),
        "data": [{"id": one, "type": "company", "url": f"/companies/{one}"} for one in shown],
    }  # fmt: skip


def with_few_companies(record: Any) -> Any:
    """Return a put record; of a contact that names more companies than ten it shows ten."""
    inside = record.get("companies") if isinstance(record, dict) else None
    listed = inside.get("data") if isinstance(inside, dict) else None
    if not isinstance(listed, list) or len(listed) <= INLINE_COMPANIES:
        return record
    return record | {"companies": attached(str(record.get("id")), [one["id"] for one in listed])}


def _none(url: str) -> Json:
    return {"type": "list", "data": [], "url": url, "total_count": 0, "has_more": False}


def conversation_id(ticket: Ticket) -> str:
    """Return the id of the conversation that a request for help is."""
    return str(21_540_000_000_000 + ticket.company.index * 100_000 + ticket.number)


def conversation(ticket: Ticket, life: Life, about: str | None, now: int) -> Json:
    """Return a conversation as search shows it: without its parts."""
    state = STATES[ticket.status(now) or "open"]
    since = max(at for at, _ in ticket.statuses if at <= now)
    changed = max(at for at in ticket.changes() if at <= now)
    assignee = ADMIN_BASE + ticket.agent
    external = user_id(life.company.index, life.person.number) if life.role == "user" else None
    reference = {"type": "contact", "id": life.id, "external_id": external}
    mail = ticket.channel == "email"
    return {
        "type": "conversation", "id": conversation_id(ticket), "title": None,
        "created_at": ticket.created, "updated_at": changed,
        "waiting_since": _waiting(ticket, now),
        "snoozed_until": since + 30 * DAY if state == "snoozed" else None,
        "open": state != "closed", "state": state, "read": True,
        "priority": "priority" if ticket.priority(now) in ("high", "urgent") else "not_priority",
        "admin_assignee_id": assignee, "team_assignee_id": 5_017_691,
        "company": {"type": "company", "id": about} if about else None,
        "tags": {"type": "tag.list", "tags": []},
        "conversation_rating": _rating(ticket, reference, assignee, now),
        "source": {
            "type": "email" if mail else "conversation", "id": str(403_000_000 + ticket.number),
            "delivered_as": "customer_initiated", "subject": ticket.subject if mail else "",
            "body": f"<p>{ticket.subject}</p>", "url": None, "redacted": False, "attachments": [],
            "author": {"type": life.role, "id": life.id, "email": life.person.email,
                       "name": f"{life.person.given} {life.person.family}"},
        },
        "contacts": {"type": "contact.list", "contacts": [reference]},
        "teammates": {"type": "admin.list", "teammates": [{"type": "admin", "id": str(assignee)}]},
        "custom_attributes": {}, "first_contact_reply": {
            "created_at": ticket.created, "type": "conversation", "url": None},
        "sla_applied": None, "statistics": _statistics(ticket, assignee, now),
        "linked_objects": {"type": "list", "total_count": 0, "has_more": False, "data": []},
        "ai_agent": None, "ai_agent_participated": False,
    }  # fmt: skip


def parts(ticket: Ticket, life: Life, now: int) -> Json:
    """Return the replies of a conversation, which only a single read shows."""
    shown = [
        {
            "type": "conversation_part", "id": str(700_000_000 + number), "part_type": "comment",
            "body": "<p>...</p>", "created_at": at, "updated_at": at,
            "author": {"type": "admin", "id": str(ADMIN_BASE + ticket.agent)} if by_agent
            else {"type": life.role, "id": life.id},
        }
        for number, (at, by_agent) in enumerate(ticket.replies)
        if at <= now
    ]  # fmt: skip
    return {
        "type": "conversation_part.list", "conversation_parts": shown, "total_count": len(shown),
    }  # fmt: skip


def _waiting(ticket: Ticket, now: int) -> int | None:
    said = [(at, by_agent) for at, by_agent in ticket.replies if at <= now]
    if not said:
        return ticket.created
    return None if said[-1][1] else said[-1][0]


def _rating(ticket: Ticket, reference: Json, assignee: int, now: int) -> Json | None:
    """Return the rating, an empty one when it was asked for and not given, None before that."""
    asked = next((at for at in ticket.solved if at <= now), None)
    if asked is None:
        return None
    given = ticket.rating(now)
    return {
        "rating": given.score if given else None, "remark": given.comment if given else None,
        "created_at": asked, "updated_at": given.at if given else asked, "contact": reference,
        "teammate": {"type": "admin", "id": str(assignee)},
    }  # fmt: skip


def _statistics(ticket: Ticket, assignee: int, now: int) -> Json:
    by_agent = [at for at, agent in ticket.replies if agent and at <= now]
    by_contact = [ticket.created, *(at for at, agent in ticket.replies if not agent and at <= now)]
    closed = [at for at in ticket.solved if at <= now]
    reopened = [at for at in ticket.reopened if at <= now]
    return {
        "type": "conversation_statistics", "time_to_assignment": 0,
        "time_to_admin_reply": by_agent[0] - ticket.created if by_agent else None,
        "time_to_first_close": closed[0] - ticket.created if closed else None,
        "time_to_last_close": closed[-1] - ticket.created if closed else None,
        "median_time_to_reply": None, "first_contact_reply_at": ticket.created,
        "first_assignment_at": ticket.created,
        "first_admin_reply_at": by_agent[0] if by_agent else None,
        "first_close_at": closed[0] if closed else None,
        "last_assignment_at": ticket.created, "last_assignment_admin_reply_at": None,
        "last_contact_reply_at": by_contact[-1],
        "last_admin_reply_at": by_agent[-1] if by_agent else None,
        "last_close_at": closed[-1] if closed else None,
        "last_closed_by_id": str(assignee) if closed else None, "count_reopens": len(reopened),
        "count_assignments": 1, "count_conversation_parts": len(by_agent) + len(by_contact),
    }  # fmt: skip
