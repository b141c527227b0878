"""The fields of each kind of record, with the types that `describe` gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.vendors.salesforce.ids import PREFIXES

Fields = dict[str, str]
_SYSTEM: Fields = {
    "Id": "id", "CreatedDate": "datetime", "LastModifiedDate": "datetime",
    "SystemModstamp": "datetime",
}  # fmt: skip
_DELETABLE: Fields = {**_SYSTEM, "IsDeleted": "boolean"}
_ACTIVITY: Fields = {
    **_DELETABLE, "WhoId": "reference", "WhatId": "reference", "AccountId": "reference",
    "OwnerId": "reference", "Subject": "combobox", "ActivityDate": "date", "Type": "picklist",
    "IsArchived": "boolean", "IsRecurrence": "boolean", "Description": "textarea",
}  # fmt: skip
FIELDS: dict[str, Fields] = {
    "Account": {
        **_DELETABLE, "MasterRecordId": "reference", "Name": "string", "Type": "picklist",
        "ParentId": "reference", "BillingAddress": "address", "BillingCity": "string",
        "BillingCountry": "string", "Phone": "phone", "Website": "url", "PhotoUrl": "url",
        "Industry": "picklist", "AnnualRevenue": "currency", "NumberOfEmployees": "int",
        "OwnerId": "reference", "CurrencyIsoCode": "picklist",
        "Product_Account_Id__c": "string", "Billing_Customer_Id__c": "string",
    },
    "Contact": {
        **_DELETABLE, "MasterRecordId": "reference", "AccountId": "reference", "Name": "string",
        "FirstName": "string", "LastName": "string", "Email": "email", "Title": "string",
        "MailingAddress": "address", "IsEmailBounced": "boolean", "OwnerId": "reference",
    },
    "Opportunity": {
        **_DELETABLE, "AccountId": "reference", "Name": "string", "StageName": "picklist",
        "Amount": "currency", "Probability": "percent", "CloseDate": "date", "Type": "picklist",
        "IsClosed": "boolean", "IsWon": "boolean", "ForecastCategoryName": "picklist",
        "OwnerId": "reference", "CurrencyIsoCode": "picklist",
    },
    "OpportunityLineItem": {
        **_DELETABLE, "OpportunityId": "reference", "Product2Id": "reference",
        "ProductCode": "string", "Name": "string", "Quantity": "double", "UnitPrice": "currency",
        "TotalPrice": "currency", "ServiceDate": "date", "CurrencyIsoCode": "picklist",
    },
    "User": {
        **_SYSTEM, "Username": "string", "Name": "string", "FirstName": "string",
        "LastName": "string", "Email": "email", "IsActive": "boolean", "UserType": "picklist",
        "Title": "string",
    },
    "Task": {
        **_ACTIVITY, "Status": "picklist", "IsClosed": "boolean", "TaskSubtype": "picklist",
        "CompletedDateTime": "datetime", "CallDurationInSeconds": "int", "CallType": "picklist",
        "CallDisposition": "string",
    },
    "Event": {
        **_ACTIVITY, "StartDateTime": "datetime", "EndDateTime": "datetime",
        "ActivityDateTime": "datetime", "DurationInMinutes": "int", "IsAllDayEvent": "boolean",
        "EventSubtype": "picklist", "IsChild": "boolean", "Location": "string",
    },
}  # fmt: skip
_SOAP = {"boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double",
         "currency": "xsd:double", "percent": "xsd:double", "date": "xsd:date",
         "datetime": "xsd:dateTime", "id": "tns:ID", "reference": "tns:ID"}  # fmt: skip
_PARTS = {"BillingCity": "BillingAddress", "BillingCountry": "BillingAddress",
          "FirstName": "Name", "LastName": "Name"}  # fmt: skip


def visible_fields(
    multi_currency: bool, custom: Mapping[str, Mapping[str, str]], hidden: Iterable[str]
) -> dict[str, Fields]:
    """Return the fields of each kind that the integration user may see."""
    gone = {"CurrencyIsoCode"} if not multi_currency else set()
    kept = set(hidden)
    return {
        kind: {
            name: sort
            for name, sort in {**fields, **custom.get(kind, {})}.items()
            if name not in gone and f"{kind}.{name}" not in kept
        }
        for kind, fields in FIELDS.items()
    }


def described(kind: str, fields: Fields) -> dict[str, Any]:
    """Return what `describe` says of a kind, as far as clients look at it."""
    return {
        "name": kind, "label": kind, "keyPrefix": PREFIXES[kind], "custom": False,
        "queryable": True, "retrieveable": True, "replicateable": kind != "User",
        "deletable": kind != "User", "mergeable": "MasterRecordId" in fields,
        "fields": [_field(kind, name, sort, fields) for name, sort in fields.items()],
    }  # fmt: skip


def _field(kind: str, name: str, sort: str, fields: Fields) -> dict[str, Any]:
    whole = _PARTS.get(name)
    return {
        "name": name, "label": name.replace("__c", "").replace("_", " "), "type": sort,
        "soapType": _SOAP.get(sort, "xsd:string"), "custom": name.endswith("__c"),
        "compoundFieldName": whole if whole in fields else None, "nillable": name != "Id",
        "updateable": name not in _SYSTEM and sort != "address", "filterable": sort != "textarea",
    }  # fmt: skip
