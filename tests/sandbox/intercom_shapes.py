"""What the published description of the API requires of each object: its keys and their types."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

Shape = Any  # a type, None, a Literal, a tuple of alternatives, [shape of items], {key: shape}

TEXT = (str, None)
MOMENT = (int, None)
NUMBER = (int, None)


def listing(type_: str, member: str, item: Shape, **more: Shape) -> Shape:
    """A list inside an object."""
    return {"type": Literal[type_], member: [item], **more}


REFERENCE = {"type": Literal["contact"], "id": str, "external_id": TEXT}
ADMIN_REFERENCE = {"type": Literal["admin"], "id": str}
ADDRESSABLE = listing(
    "list",
    "data",
    {"type": str, "id": str, "url": str},
    url=str,
    total_count=int,
    has_more=bool,
)
ADMIN = {
    "type": Literal["admin"], "id": str, "name": str, "email": str, "job_title": TEXT,
    "away_mode_enabled": bool, "away_mode_reassign": bool, "has_inbox_seat": bool,
    "team_ids": [int],
}  # fmt: skip
COMPANY = {
    "type": Literal["company"], "id": str, "company_id": str, "name": str, "plan": dict,
    "monthly_spend": int, "session_count": int, "user_count": int, "created_at": int,
    "updated_at": int, "remote_created_at": int, "last_request_at": MOMENT, "industry": TEXT,
    "size": NUMBER, "website": TEXT, "custom_attributes": dict,
    "tags": listing("tag.list", "tags", dict),
    "segments": listing("segment.list", "segments", dict),
}  # fmt: skip
CONTACT = {
    "type": Literal["contact"], "id": str, "workspace_id": str, "external_id": TEXT,
    "role": Literal["user", "lead"], "email": TEXT, "name": TEXT, "phone": TEXT,
    "owner_id": (int, str, None), "created_at": int, "updated_at": int, "signed_up_at": MOMENT,
    "last_seen_at": MOMENT, "last_replied_at": MOMENT, "last_contacted_at": MOMENT,
    "unsubscribed_from_emails": bool, "has_hard_bounced": bool, "marked_email_as_spam": bool,
    "custom_attributes": dict, "companies": ADDRESSABLE, "tags": ADDRESSABLE, "notes": ADDRESSABLE,
}  # fmt: skip
RATING = {
    "rating": NUMBER, "remark": TEXT, "created_at": int, "updated_at": int, "contact": REFERENCE,
    "teammate": ADMIN_REFERENCE,
}  # fmt: skip
STATISTICS = {
    "type": Literal["conversation_statistics"],
    "time_to_admin_reply": NUMBER, "time_to_first_close": NUMBER, "time_to_last_close": NUMBER,
    "first_contact_reply_at": MOMENT, "first_admin_reply_at": MOMENT, "first_close_at": MOMENT,
    "last_contact_reply_at": MOMENT, "last_admin_reply_at": MOMENT, "last_close_at": MOMENT,
    "count_reopens": int, "count_conversation_parts": int,
}  # fmt: skip
SOURCE = {
    "type": Literal["conversation", "email"], "id": str,
    "delivered_as": Literal["customer_initiated"], "subject": str, "body": str, "url": TEXT,
    "author": {"type": Literal["user", "lead"], "id": str, "name": TEXT, "email": TEXT},
}  # fmt: skip
CONVERSATION = {
    "type": Literal["conversation"], "id": str, "created_at": int, "updated_at": int,
    "waiting_since": MOMENT, "snoozed_until": MOMENT, "open": bool,
    "state": Literal["open", "closed", "snoozed"], "read": bool,
    "priority": Literal["priority", "not_priority"], "title": TEXT, "source": SOURCE,
    "contacts": listing("contact.list", "contacts", REFERENCE),
    "company": ({"type": Literal["company"], "id": str}, None), "admin_assignee_id": NUMBER,
    "team_assignee_id": NUMBER, "tags": listing("tag.list", "tags", dict),
    "conversation_rating": (RATING, None), "statistics": STATISTICS, "sla_applied": (dict, None),
    "custom_attributes": dict, "ai_agent_participated": bool,
}  # fmt: skip
DELETED = {
    "type": Literal["conversation"], "id": str, "metrics_retained": bool, "deleted_at": int,
}  # fmt: skip
PAGES = {"type": Literal["pages"], "page": int, "per_page": int, "total_pages": int}
ERROR = {
    "type": Literal["error.list"], "request_id": TEXT, "errors": [{"code": str, "message": str}],
}  # fmt: skip


def misfits(value: Any, shape: Shape, where: str = "") -> list[str]:
    """Where a value is not of a shape, in words; nothing when it is."""
    if isinstance(shape, tuple):
        tried = [misfits(value, one, where) for one in shape]
        return [] if [] in tried else min(tried, key=len)
    if get_origin(shape) is Literal:
        return [] if value in get_args(shape) else [f"{where} is {value!r}"]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [
            word for n, one in enumerate(value) for word in misfits(one, shape[0], f"{where}[{n}]")
        ]
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{where} is no object"]
        missing = [f"{where}.{name} is missing" for name in shape if name not in value]
        there = {name: one for name, one in shape.items() if name in value}
        return missing + [
            word
            for name, one in there.items()
            for word in misfits(value[name], one, f"{where}.{name}")
        ]
    if shape is None:
        return [] if value is None else [f"{where} is not null"]
    fits = isinstance(value, shape) and (shape is bool or not isinstance(value, bool))
    return [] if fits else [f"{where} is {type(value).__name__}, not {shape.__name__}"]
