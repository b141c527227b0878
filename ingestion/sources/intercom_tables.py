"""The raw tables of Intercom, and records in the shape that they hold.

Epochs in seconds become moments. What people wrote to each other is not stored: no message, no
subject, no picture, no place.
"""

from collections.abc import Iterator
from typing import Any

from ingestion.tables import Column, Table, of_kind, texts

ADMINS = Table(
    "admins",
    (
        *texts("id name email job_title"),
        *of_kind("bool", "has_inbox_seat away_mode_enabled deleted"),
    ),
    key=("id",),
    ignored=("type", "avatar", "team_ids", "team_priority_level", "away_mode_reassign",
             "away_status_reason_id"),
)  # fmt: skip
COMPANIES = Table(
    "companies",
    (
        *texts("id company_id name website industry"),
        *of_kind("bigint", "size user_count session_count"),
        *of_kind("double", "monthly_spend"),
        *of_kind("timestamp", "created_at updated_at remote_created_at last_request_at"),
        *of_kind("json", "plan custom_attributes"),
        *of_kind("bool", "deleted"),
    ),
    key=("id",),
    updated="updated_at",
    ignored=("type", "app_id", "tags", "segments", "notes"),
)
PHONE = ("app_name", "app_version", "device", "os_version", "sdk_version", "last_seen_at")

# `gone` is merged, deleted, or archived: there, but not to be found.
CONTACTS = Table(
    "contacts",
    (
        *texts("id external_id role email name phone owner_id"),
        *of_kind("bool", "unsubscribed_from_emails has_hard_bounced marked_email_as_spam"),
        *of_kind("timestamp", "created_at updated_at signed_up_at last_seen_at last_replied_at"),
        *of_kind("timestamp", "last_contacted_at"),
        *of_kind("json", "custom_attributes"),
        *texts("gone merged_into"),
    ),
    key=("id",),
    updated="updated_at",
    ignored=(
        *("type", "workspace_id", "avatar", "social_profiles", "location", "notes", "tags"),
        *("segments", "companies", "merge_history", "enabled_push_messaging", "browser"),
        *("browser_version", "browser_language", "os", "language_override", "referrer"),
        *("opted_in_subscription_types", "opted_out_subscription_types", "formatted_phone"),
        *("sms_consent", "unsubscribed_from_sms", "last_email_opened_at", "last_email_clicked_at"),
        *(f"utm_{name}" for name in ("campaign", "content", "medium", "source", "term")),
        *(f"android_{name}" for name in PHONE),
        *(f"ios_{name}" for name in PHONE),
    ),
)
CONVERSATIONS = Table(
    "conversations",
    (
        *texts("id title state priority admin_assignee_id team_assignee_id company_id"),
        *of_kind("bool", "open read ai_agent_participated"),
        *of_kind("timestamp", "created_at updated_at waiting_since snoozed_until"),
        *texts("source__type source__id source__delivered_as"),
        *texts("author_type author_id author_email"),
        *of_kind("bigint", "conversation_rating__rating"),
        *texts("conversation_rating__remark rated_by rated_admin_id"),
        *of_kind("timestamp", "conversation_rating__created_at conversation_rating__updated_at"),
        *(
            Column(f"statistics__{name}", "timestamp")
            for name in (
                "first_contact_reply_at", "first_assignment_at", "first_admin_reply_at",
                "first_close_at", "last_assignment_at", "last_assignment_admin_reply_at",
                "last_contact_reply_at", "last_admin_reply_at", "last_close_at",
            )
        ),
        *(
            Column(f"statistics__{name}", "bigint")
            for name in (
                "time_to_assignment", "time_to_admin_reply", "time_to_first_close",
                "time_to_last_close", "median_time_to_reply", "count_reopens",
                "count_assignments", "count_conversation_parts",
            )
        ),
        Column("statistics__last_closed_by_id"),
        *of_kind("json", "sla_applied custom_attributes"),
    ),
    key=("id",),
    updated="updated_at",
    ignored=("type", "tags", "contacts", "company", "teammates", "first_contact_reply", "topics",
             "linked_objects", "ai_agent", "conversation_parts", "ticket"),
)  # fmt: skip
DELETED_CONVERSATIONS = Table(
    "deleted_conversations",
    (Column("id"), Column("metrics_retained", "bool"), Column("deleted_at", "timestamp")),
    key=("id",),
    ignored=("type",),
)


# `removed` pairs held once and no longer do.
CONTACT_COMPANIES = Table(
    "contact_companies",
    (*texts("contact_id company_id"), Column("removed", "bool")),
    key=("contact_id", "company_id"),
)
CONVERSATION_CONTACTS = Table(
    "conversation_contacts",
    (*texts("conversation_id contact_id"), Column("removed", "bool")),
    key=("conversation_id", "contact_id"),
)
TABLES = (
    ADMINS,
    COMPANIES,
    CONTACTS,
    CONTACT_COMPANIES,
    CONVERSATIONS,
    CONVERSATION_CONTACTS,
    DELETED_CONVERSATIONS,
)


def conversation(record: Any) -> Any:
    """A conversation without what was said in it, and with the ids of whom and what it is about.

    What is no object is left as it is, for the reader to turn away.
    """
    if not isinstance(record, dict):
        return record
    source, rating = record.get("source"), record.get("conversation_rating")
    author = _inside(source, "author")
    shaped = record | {
        "author_type": _inside(author, "type"),
        "author_id": _inside(author, "id"),
        "author_email": _inside(author, "email"),
        "rated_by": _inside(_inside(rating, "contact"), "id"),
        "rated_admin_id": _inside(_inside(rating, "teammate"), "id"),
        "company_id": _inside(record.get("company"), "id"),
    }
    kept = {"type", "id", "delivered_as"}
    if isinstance(source, dict):
        shaped["source"] = {name: source[name] for name in source if name in kept}
    dropped = {"type", "contact", "teammate"}
    for name in ("conversation_rating", "statistics"):
        part = record.get(name)
        if isinstance(part, dict):
            shaped[name] = {inner: part[inner] for inner in part if inner not in dropped}
    return shaped


def listed(record: Any, member: str, items: str) -> list[Any] | None:
    """The list in a member of a record, None when the record does not tell."""
    found = _inside(_inside(record, member), items)
    return found if isinstance(found, list) else None


def pairs(owner: Any, items: list[Any], names: tuple[str, str]) -> Iterator[dict[str, Any]]:
    """One record per id in `items`, beside that of their owner."""
    for item in items:
        yield {names[0]: owner, names[1]: _inside(item, "id")}


def _inside(part: Any, name: str) -> Any:
    return part.get(name) if isinstance(part, dict) else None
