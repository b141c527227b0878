"""HubSpot CRM.

Options, each off or as the vendor has it by default: `search_cap` (10,000 results per search),
`search_lag` (seconds until search knows of a change, 0), `calls_per_day` (None: no daily limit; it
ends at midnight of the sandbox's clock), `without` (kinds of record that the token may not read,
`["feedback_submissions"]` being an account whose plan has no surveys), `oauth` (an app with a
refresh token in place of a static one) and `calls_per_token` (after so many calls an OAuth token
has expired; None: never).
"""

from sandbox.service import Place
from sandbox.vendors.hubspot.account import Account
from sandbox.vendors.hubspot.records import Records
from sandbox.vendors.hubspot.routes import HubSpot


def serve(place: Place) -> HubSpot:
    """One HubSpot account over `place`."""
    records = Records(place.world, place.overlay, place.clock)
    return HubSpot(records, Account(place.clock, place.options), place.limits, place.options)
