"""Intercom support: contacts, companies, conversations, teammates.

Options: `channels`, by which requests for help come in here (default: chat; e-mail and web forms
are the help desk's, so that no request is in both); `per_10_seconds`, calls per window (default
1,667, None for no limit); `one_scroll`, whether a second scroll is refused while one is open
(default True); `scroll_seconds`, after which an idle scroll is forgotten (default 60); `time_zone`
of the workspace, in which contacts' dates are cut (default America/Los_Angeles);
`search_lag_seconds`, for which a new contact cannot be searched for (default 0).

Own fault: `scroll_lost`, the network error of /companies/scroll, after which it starts from zero.

`contact_merges` are put as `{"id": old contact, "into": surviving contact}`. Archived conversations
are deleted ones whose metrics were kept; archived contacts can be read by id and not be found.
"""

from sandbox.service import Place
from sandbox.vendors.intercom.routes import Intercom
from sandbox.vendors.intercom.store import Store


def serve(place: Place) -> Intercom:
    """One Intercom workspace over `place`."""
    return Intercom(Store(place), place.options)
