"""The raw tables of Salesforce, and the fields that its records are asked for.

Names are the vendor's in snake case. What an object does not have in an organisation, or the user
may not see, is not asked for and stays NULL.
"""

import re
from dataclasses import dataclass, replace

from ingestion.sources.salesforce_ids import long_id
from ingestion.tables import Column, Kind, Table

SYSTEM = "Id CreatedDate LastModifiedDate SystemModstamp"
# What describe calls a type -> kind of column; all others are text.
KINDS: dict[str, Kind] = {
    "boolean": "bool",
    "currency": "double",
    "double": "double",
    "int": "double",
    "percent": "double",
}
NEVER_ASKED = frozenset(("address", "base64", "location", "complexvalue"))


@dataclass(frozen=True)
class Object:
    """A kind of record under its API name, and its table. `ids` are the fields that hold ids,
    `extra` columns that a configured custom field fills, `deletable` whether it can be deleted."""

    name: str
    table: Table
    ids: tuple[str, ...]
    extra: tuple[str, ...] = ()
    deletable: bool = True

    def shape(self, record: object) -> object:
        """A record as the table reads it: ids in 18 letters, without the vendor's own remarks."""
        if not isinstance(record, dict):
            return record
        found = {name: value for name, value in record.items() if name != "attributes"}
        for name in self.ids:
            if isinstance(found.get(name), str):
                found[name] = long_id(found[name])
        return found


def snake(name: str) -> str:
    """`SystemModstamp` -> `system_modstamp`, `Tier_Name__c` -> `tier_name__c`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def with_custom(table: Table, columns: tuple[Column, ...]) -> Table:
    """`table` with further columns, or with another path to columns that it has."""
    given = {column.name: column for column in columns}
    kept = [given.pop(column.name, column) for column in table.columns]
    return replace(table, columns=(*kept, *given.values()))


def _object(
    name: str,
    table: str,
    ids: str = "",
    texts: str = "",
    numbers: str = "",
    flags: str = "",
    moments: str = "",
    dates: str = "",
    extra: str = "",
    deletable: bool = True,
) -> Object:
    kinds: tuple[tuple[str, Kind], ...] = (
        (f"Id {ids}", "text"),
        ("IsDeleted" if deletable else "", "bool"),
        ("CreatedDate LastModifiedDate SystemModstamp", "timestamp"),
        (texts, "text"),
        (numbers, "double"),
        (flags, "bool"),
        (moments, "timestamp"),
    )
    columns = [
        Column(snake(field), kind, (field,)) for fields, kind in kinds for field in fields.split()
    ]
    # A day has no zone, so it stays the text it is.
    columns += [Column(snake(field), "text", (field,), "moment") for field in dates.split()]
    # Filled from the field that the settings name.
    columns += [Column(field, "text", (f"({field})",)) for field in extra.split()]
    made = Table(table, tuple(columns), key=("id",), updated="system_modstamp")
    return Object(name, made, ("Id", *ids.split()), tuple(extra.split()), deletable)


ACCOUNTS = _object(
    "Account",
    "accounts",
    ids="MasterRecordId ParentId OwnerId",
    texts="Name Type Website Industry BillingCountry CurrencyIsoCode",
    numbers="AnnualRevenue NumberOfEmployees",
    extra="product_account_id billing_customer_id",
)
CONTACTS = _object(
    "Contact",
    "contacts",
    ids="MasterRecordId AccountId OwnerId",
    texts="FirstName LastName Email Title",
    flags="IsEmailBounced",
)
OPPORTUNITIES = _object(
    "Opportunity",
    "opportunities",
    ids="AccountId OwnerId",
    texts="Name StageName Type ForecastCategoryName CurrencyIsoCode",
    numbers="Amount Probability",
    flags="IsClosed IsWon",
    dates="CloseDate",
)
LINE_ITEMS = _object(
    "OpportunityLineItem",
    "opportunity_line_items",
    ids="OpportunityId Product2Id",
    texts="Name ProductCode CurrencyIsoCode",
    numbers="Quantity UnitPrice TotalPrice",
    dates="ServiceDate",
)
USERS = _object(
    "User",
    "users",
    texts="Username Email Name UserType",
    flags="IsActive",
    deletable=False,
)
_ACTIVITY_IDS = "AccountId WhatId WhoId OwnerId"
TASKS = _object(
    "Task",
    "tasks",
    ids=_ACTIVITY_IDS,
    texts="Subject Type TaskSubtype Status CallType CallDisposition",
    numbers="CallDurationInSeconds",
    flags="IsClosed IsArchived IsRecurrence",
    moments="CompletedDateTime",
    dates="ActivityDate",
)
EVENTS = _object(
    "Event",
    "events",
    ids=_ACTIVITY_IDS,
    texts="Subject Type EventSubtype",
    numbers="DurationInMinutes",
    flags="IsAllDayEvent IsArchived IsChild IsRecurrence",
    moments="StartDateTime EndDateTime",
    dates="ActivityDate",
)
OBJECTS = (ACCOUNTS, CONTACTS, OPPORTUNITIES, LINE_ITEMS, USERS, TASKS, EVENTS)
TABLES = tuple(one.table for one in OBJECTS)
