"""HubSpot CRM."""

from sandbox.service import Place
from sandbox.vendors.hubspot.records import Records
from sandbox.vendors.hubspot.routes import HubSpot


def serve(place: Place) -> HubSpot:
    """One HubSpot account over `place`."""
    return HubSpot(Records(place.world, place.overlay, place.clock), place.limits)
