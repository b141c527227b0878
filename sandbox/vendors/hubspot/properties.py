"""The properties that the CRM knows, by object type."""

from __future__ import annotations

_STRING, _NUMBER, _TIME, _CHOICE, _BOOL = "string", "number", "datetime", "enumeration", "bool"
_SHARED = {"hs_object_id": _NUMBER}
PROPERTIES: dict[str, dict[str, str]] = {
    "companies": {
        "name": _STRING, "domain": _STRING, "website": _STRING, "industry": _CHOICE,
        "numberofemployees": _NUMBER, "annualrevenue": _NUMBER, "country": _STRING,
        "lifecyclestage": _CHOICE, "hubspot_owner_id": _CHOICE, "hs_parent_company_id": _NUMBER,
        "hs_merged_object_ids": _CHOICE, "product_account_id": _STRING,
        # made by this account's people, like product_account_id, and not asked for by default
        "billing_customer_id": _STRING, "customer_since": "date", "createdate": _TIME,
        "hs_lastmodifieddate": _TIME, **_SHARED,
    },
    "contacts": {
        "email": _STRING, "firstname": _STRING, "lastname": _STRING, "jobtitle": _STRING,
        "hubspot_owner_id": _CHOICE, "lifecyclestage": _CHOICE, "associatedcompanyid": _NUMBER,
        "hs_calculated_merged_vids": _CHOICE, "createdate": _TIME, "lastmodifieddate": _TIME,
        **_SHARED,
    },
    "deals": {
        "dealname": _STRING, "amount": _NUMBER, "deal_currency_code": _CHOICE, "closedate": _TIME,
        "createdate": _TIME, "pipeline": _CHOICE, "dealstage": _CHOICE, "dealtype": _CHOICE,
        "hs_is_closed": _BOOL, "hs_is_closed_won": _BOOL, "hubspot_owner_id": _CHOICE,
        "hs_lastmodifieddate": _TIME, **_SHARED,
    },
    "meetings": {
        "hs_timestamp": _TIME, "hs_meeting_title": _STRING, "hs_meeting_body": _STRING,
        "hs_meeting_start_time": _TIME, "hs_meeting_end_time": _TIME,
        "hs_meeting_outcome": _CHOICE, "hubspot_owner_id": _CHOICE, "hs_createdate": _TIME,
        "hs_lastmodifieddate": _TIME, **_SHARED,
    },
    "feedback_submissions": {
        "hs_survey_type": _CHOICE, "hs_survey_channel": _CHOICE, "hs_survey_id": _NUMBER,
        "hs_survey_name": _STRING, "hs_value": _NUMBER, "hs_response_group": _CHOICE,
        "hs_sentiment": _CHOICE, "hs_content": _STRING, "hs_submission_timestamp": _TIME,
        "hs_contact_id": _NUMBER, "hs_createdate": _TIME, "hs_lastmodifieddate": _TIME, **_SHARED,
    },
}  # fmt: skip
_ALWAYS = ("hs_object_id",)
DEFAULTS = {
    "companies": ("name", "domain", "createdate", "hs_lastmodifieddate", *_ALWAYS),
    "contacts": ("firstname", "lastname", "email", "createdate", "lastmodifieddate", *_ALWAYS),
    "deals": ("dealname", "amount", "closedate", "pipeline", "dealstage", "createdate",
              "hs_lastmodifieddate", *_ALWAYS),
    "meetings": ("hs_createdate", "hs_lastmodifieddate", *_ALWAYS),
    "feedback_submissions": ("hs_createdate", "hs_lastmodifieddate", *_ALWAYS),
}  # fmt: skip
ALWAYS = {
    "companies": ("createdate", "hs_lastmodifieddate", *_ALWAYS),
    "contacts": ("createdate", "lastmodifieddate", *_ALWAYS),
    "deals": ("createdate", "hs_lastmodifieddate", *_ALWAYS),
    "meetings": ("hs_createdate", "hs_lastmodifieddate", *_ALWAYS),
    "feedback_submissions": ("hs_createdate", "hs_lastmodifieddate", *_ALWAYS),
}


def modified_name(kind: str) -> str:
    """Return the property that says when a record of a type changed last."""
    return "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"


def created_name(kind: str) -> str:
    """Return the property that says when a record of a type was made."""
    return "hs_createdate" if "hs_createdate" in PROPERTIES[kind] else "createdate"
