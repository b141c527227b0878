"""The raw tables of Zendesk. What people wrote is not kept: texts of tickets, notes, phone numbers.

An organization, a user or a ticket that is deleted keeps its row, as the vendor shows it then:
`deleted_at`, `active` false, `status` deleted.
"""

from ingestion.tables import Column, Table, of_kind, texts

TICKETS = Table(
    "tickets",
    (
        *texts("id external_id channel type subject status priority"),
        *texts("requester_id submitter_id assignee_id organization_id group_id brand_id"),
        *texts("ticket_form_id custom_status_id problem_id"),
        *of_kind("json", "tags custom_fields satisfaction_rating"),
        *of_kind("bool", "is_public from_messaging_channel"),
        *of_kind("timestamp", "created_at updated_at due_at"),
        Column("generated_at", "timestamp", ("generated_timestamp",)),
    ),
    key=("id",),
    updated="generated_at",
    ignored=(
        *("url", "via", "raw_subject", "description", "fields", "recipient", "has_incidents"),
        *("collaborator_ids", "follower_ids", "followup_ids", "email_cc_ids"),
        *("sharing_agreement_ids", "forum_topic_id", "allow_channelback", "allow_attachments"),
    ),
)
USERS = Table(
    "users",
    (
        *texts("id name email role organization_id default_group_id external_id iana_time_zone"),
        *of_kind("bool", "active suspended verified"),
        *of_kind("json", "tags user_fields"),
        *of_kind("timestamp", "created_at updated_at last_login_at"),
    ),
    key=("id",),
    ignored=(
        *("url", "phone", "shared_phone_number", "photo", "signature", "notes", "details"),
        *("alias", "locale", "locale_id", "time_zone"),
    ),
)
ORGANIZATIONS = Table(
    "organizations",
    (
        *texts("id name external_id group_id"),
        *of_kind("json", "domain_names tags organization_fields"),
        *of_kind("timestamp", "created_at updated_at deleted_at"),
    ),
    key=("id",),
    ignored=("url", "details", "notes", "shared_tickets", "shared_comments"),
)
SATISFACTION_RATINGS = Table(
    "satisfaction_ratings",
    (
        *texts("id ticket_id requester_id assignee_id group_id score reason reason_id comment"),
        *of_kind("timestamp", "created_at updated_at"),
        Column("deleted", "bool"),
    ),
    key=("id",),
    ignored=("url",),
)
TICKET_METRIC_EVENTS = Table(
    "ticket_metric_events",
    (
        *texts("id ticket_id metric type"),
        *of_kind("bigint", "instance_id"),
        *of_kind("timestamp", "time"),
        *of_kind("json", "status sla"),
    ),
    key=("id",),
)
TABLES = (TICKETS, USERS, ORGANIZATIONS, SATISFACTION_RATINGS, TICKET_METRIC_EVENTS)
