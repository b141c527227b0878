"""Mixpanel product analytics."""

from sandbox.service import Place
from sandbox.vendors.mixpanel.routes import Mixpanel
from sandbox.vendors.mixpanel.store import Store


def serve(place: Place) -> Mixpanel:
    """One Mixpanel project over `place`.

    Options: `timezone`, the zone that it counts days in; `gzip`, whether it packs exports for
    clients that take them so. Off by default: within one machine that costs more than it saves.
    """
    store = Store(
        place.world, place.overlay, place.clock, place.options.get("timezone", "UTC")
    )
    return Mixpanel(store, place.limits, place.options.get("gzip", False))
