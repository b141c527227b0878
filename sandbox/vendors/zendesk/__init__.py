"""Zendesk Support: the tickets that people wrote by mail or form, their senders and companies.

Options, by their names in `Sandbox(options=...)`:

- `channels` (email and web): by which channels the tickets came that this help desk has. Chats are
  a messenger's.
- `incremental_per_minute` (600): calls to all incremental exports in a minute. A real account has
  10, or 30 with an add-on; None switches the limit off.
- `requests_per_minute` (700): calls of any kind in a minute.
- `token_seconds` (1800) and `token_calls` (None): after which age or number of calls an access
  token is refused; `token_seconds=None` leaves `expires_in` out, as for clients made before 2025.
- `splits_seconds` (False): let a page of a time-based export end within a second, so that a second
  with more rows than a page can never be left behind by its start time.

Faults of its own: `token_expired` refuses the token that a call carries, and from then on;
`maintenance` answers 503 with a page of HTML.
"""

from sandbox.service import Place
from sandbox.vendors.zendesk.login import Login
from sandbox.vendors.zendesk.routes import Zendesk
from sandbox.vendors.zendesk.store import Store


def serve(place: Place) -> Zendesk:
    """One Zendesk account over `place`."""
    options = place.options
    return Zendesk(
        Store(place.world, place.overlay, place.clock, options.get("channels", ("email", "web"))),
        Login(options.get("token_seconds", 1800), options.get("token_calls")),
        incremental_per_minute=options.get("incremental_per_minute", 600),
        requests_per_minute=options.get("requests_per_minute", 700),
        splits_seconds=bool(options.get("splits_seconds", False)),
    )
