"""Salesforce CRM.

Resources are the kinds of records under their API names: Account, Contact, Opportunity,
OpportunityLineItem, User, Task, Event. Options:

- `page_rows`: most records of a page (2000), `bulk_rows`: most rows of a part of a bulk result
  (50,000), `bulk_polls`: how often a bulk job is looked at before it is done (1);
- `session_calls`: calls that an access token lasts for (any number);
- `daily_calls`: calls of a day before all others are refused (100,000);
- `public_key`: PEM of the key that login assertions have to be signed for (none is taken);
- `multi_currency`: whether records name their currency (true);
- `custom_fields`: `{"Account": {"Tier__c": "string"}}`, further fields by kind, with their types;
- `hidden_fields`: `["Account.Industry"]`, fields that the integration user may not see.

Faults of its own: `daily_limit` (403 for a query when the day's calls are used up; the plain
`rate_limit` is the one for too many calls at a time), `locator_expired` (the next page of a query
is refused), `job_failed` (a bulk job fails when it is looked at).
"""

from sandbox.service import Place
from sandbox.vendors.salesforce.fields import visible_fields
from sandbox.vendors.salesforce.history import History
from sandbox.vendors.salesforce.records import Records
from sandbox.vendors.salesforce.routes import Salesforce
from sandbox.vendors.salesforce.sessions import Sessions


def serve(place: Place) -> Salesforce:
    """One Salesforce organisation over `place`."""
    options = place.options
    fields = visible_fields(
        options.get("multi_currency", True),
        options.get("custom_fields", {}),
        options.get("hidden_fields", ()),
    )
    records = Records(History(place.world), place.overlay, place.clock, fields)
    sessions = Sessions(options.get("session_calls"), options.get("public_key"))
    return Salesforce(records, fields, sessions, options)
