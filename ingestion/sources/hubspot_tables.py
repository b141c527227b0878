"""The raw tables of HubSpot, and the properties that its records are asked for.

HubSpot sends every property as text, and as text it is stored; one that has to be readable as a
number, a moment or a flag and is not makes its record a bad one.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from ingestion import settings
from ingestion.errors import PullError
from ingestion.tables import Column, Table, texts

# Columns that an account fills from a property of its own, named by the setting on the right.
NAMED_BY_SETTING = {
    "properties__product_account_id": "product_account_property",
    "properties__billing_customer_id": "billing_customer_property",
}
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def _properties(names: str, numbers: str = "", moments: str = "", flags: str = "") -> Any:
    named = (
        *((name, "") for name in names.split()),
        *((name, "number") for name in numbers.split()),
        *((name, "moment") for name in moments.split()),
        *((name, "flag") for name in flags.split()),
    )
    return tuple(
        Column(f"properties__{name}", "text", ("properties", name), means)  # type: ignore[arg-type]
        for name, means in named
    )


def _object(name: str, properties: tuple[Column, ...]) -> Table:
    return Table(
        name,
        (
            Column("id"),
            Column("archived", "bool"),
            Column("archived_at", "timestamp", ("archivedAt",)),
            Column("created_at", "timestamp", ("createdAt",)),
            Column("updated_at", "timestamp", ("updatedAt",)),
            *properties,
        ),
        key=("id",),
        updated="updated_at",
        ignored=("associations", "url"),
    )


COMPANIES = _object(
    "companies",
    _properties(
        "name domain website industry country lifecyclestage hubspot_owner_id "
        "hs_parent_company_id hs_merged_object_ids product_account_id billing_customer_id",
        numbers="numberofemployees annualrevenue",
        moments="createdate hs_lastmodifieddate",
    ),
)
CONTACTS = _object(
    "contacts",
    _properties(
        "email firstname lastname jobtitle hubspot_owner_id lifecyclestage associatedcompanyid "
        "hs_calculated_merged_vids",
        moments="createdate lastmodifieddate",
    ),
)
DEALS = _object(
    "deals",
    _properties(
        "dealname deal_currency_code pipeline dealstage dealtype hubspot_owner_id",
        numbers="amount",
        moments="closedate createdate hs_lastmodifieddate",
        flags="hs_is_closed hs_is_closed_won",
    ),
)
MEETINGS = _object(
    "meetings",
    _properties(
        "hs_meeting_title hs_meeting_outcome hubspot_owner_id",
        moments="hs_timestamp hs_meeting_start_time hs_meeting_end_time hs_createdate "
        "hs_lastmodifieddate",
    ),
)
FEEDBACK = _object(
    "feedback_submissions",
    _properties(
        "hs_survey_type hs_survey_channel hs_survey_id hs_survey_name hs_response_group "
        "hs_sentiment hs_content hs_contact_id",
        numbers="hs_value",
        moments="hs_submission_timestamp hs_createdate hs_lastmodifieddate",
    ),
)
OWNERS = Table(
    "owners",
    (
        *texts("id email type"),
        Column("first_name", path=("firstName",)),
        Column("last_name", path=("lastName",)),
        Column("user_id", path=("userId",)),
        Column("archived", "bool"),
        Column("created_at", "timestamp", ("createdAt",)),
        Column("updated_at", "timestamp", ("updatedAt",)),
    ),
    key=("id",),
    write="whole",
    ignored=("userIdIncludingInactive",),
)
PIPELINES = Table(
    "pipelines",
    (
        *texts("id label"),
        Column("display_order", "bigint", ("displayOrder",)),
        Column("archived", "bool"),
        Column("created_at", "timestamp", ("createdAt",)),
        Column("updated_at", "timestamp", ("updatedAt",)),
    ),
    key=("id",),
    write="whole",
    ignored=("stages",),
)
STAGES = Table(
    "pipeline_stages",
    (
        *texts("pipeline_id id label"),
        Column("display_order", "bigint", ("displayOrder",)),
        Column("is_closed", "bool", ("metadata", "isClosed")),
        Column("probability", "double", ("metadata", "probability")),
    ),
    key=("pipeline_id", "id"),
    write="whole",
    ignored=("archived", "createdAt", "updatedAt", "writePermissions"),
)


@dataclass(frozen=True)
class Link:
    """A table of associations and the two kinds of record it links."""

    table: Table
    start: str
    end: str


def _link(name: str, start: str, end: str) -> Link:
    columns = texts("from_id to_id type_id label category")
    return Link(Table(name, columns, ("from_id", "to_id", "type_id"), "whole"), start, end)


LINKS = (
    _link("assoc_company_contact", "companies", "contacts"),
    _link("assoc_company_deal", "companies", "deals"),
    _link("assoc_deal_contact", "deals", "contacts"),
    _link("assoc_meeting_company", "meetings", "companies"),
)
OBJECTS = (COMPANIES, CONTACTS, DEALS, MEETINGS)
TABLES = (*OBJECTS, FEEDBACK, OWNERS, PIPELINES, STAGES, *(link.table for link in LINKS))


def configured(table: Table) -> Table:
    """`table` with this account's own properties, as the settings name them.

    Each of `custom_properties` ("companies.segment") becomes a text column `properties__<name>`.
    Raises PullError for one that names no kind of record or no possible property.
    """
    columns = [
        replace(column, path=("properties", _name_of(column, column.path[-1])))
        if column.name in NAMED_BY_SETTING
        else column
        for column in table.columns
    ]
    there = {column.name for column in columns}
    for name in sorted(custom_properties(table)):
        if f"properties__{name}" not in there:
            columns.append(Column(f"properties__{name}", "text", ("properties", name)))
    return replace(table, columns=tuple(columns))


def custom_properties(table: Table) -> set[str]:
    """The properties of the setting `custom_properties` that belong to one kind of record."""
    kinds = {one.name for one in (*OBJECTS, FEEDBACK)}
    found = set()
    for entry in settings.options("hubspot", "custom_properties"):
        kind, _, name = entry.partition(".")
        if kind not in kinds or not _NAME.fullmatch(name):
            raise PullError(
                "hubspot",
                "credentials",
                f"custom_properties has {entry!r}; write <kind>.<property>, as in "
                f"companies.segment. Kinds are {', '.join(sorted(kinds))}.",
            )
        if kind == table.name:
            found.add(name)
    return found


def asked(table: Table) -> list[str]:
    """The properties that records of `table` are asked for."""
    names = (column.path[1] for column in table.columns if column.path[0] == "properties")
    return list(dict.fromkeys(names))


def _name_of(column: Column, default: str) -> str:
    return settings.option("hubspot", NAMED_BY_SETTING[column.name], default)
