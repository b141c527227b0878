"""Mixpanel product analytics."""

from sandbox.service import Place
from sandbox.vendors.mixpanel.routes import Mixpanel
from sandbox.vendors.mixpanel.store import Store


def serve(place: Place) -> Mixpanel:
    """One Mixpanel project over `place`. Option `timezone`: the zone that it counts days in."""
    zone = place.options.get("timezone", "UTC")
    return Mixpanel(Store(place.world, place.overlay, place.clock, zone), place.limits)
