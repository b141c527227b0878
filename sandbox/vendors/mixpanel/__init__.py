"""Mixpanel product analytics."""

from sandbox.service import Place
from sandbox.vendors.mixpanel.routes import Mixpanel
from sandbox.vendors.mixpanel.store import Store


def serve(place: Place) -> Mixpanel:
    """One Mixpanel project over `place`.

    Options: `timezone`, the zone that it counts days in; `gzip`, whether it packs exports for
    clients that take them so. Off by default: within one machine that costs more than it saves;
    `concurrent_queries` (5) and `concurrent_exports` (100), how many may run at once; and
    `query_seconds`, how long one runs before it is answered (0).
    """
    store = Store(place.world, place.overlay, place.clock, place.options.get("timezone", "UTC"))
    concurrent = {
        "export": place.options.get("concurrent_exports", 100),
        "query": place.options.get("concurrent_queries", 5),
    }
    return Mixpanel(
        store,
        place.limits,
        place.options.get("gzip", False),
        concurrent,
        place.options.get("query_seconds", 0.0),
    )
