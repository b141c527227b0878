"""The raw tables of HubSpot, and the properties that its records are asked for.

HubSpot sends every property as text, and as text it is stored; one that has to be readable as a
number, a moment or a flag and is not makes its record a bad one.
"""

from dataclasses import dataclass
from typing import Any

from ingestion.tables import Column, Table, texts


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
        "hs_parent_company_id hs_merged_object_ids product_account_id",
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
TABLES = (*OBJECTS, OWNERS, PIPELINES, STAGES, *(link.table for link in LINKS))
