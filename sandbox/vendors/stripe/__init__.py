"""Stripe billing."""

from sandbox.service import Place
from sandbox.vendors.stripe.routes import Stripe
from sandbox.vendors.stripe.store import Store


def serve(place: Place) -> Stripe:
    """One Stripe account over `place`. Option `account_version`: its default API version."""
    version = place.options.get("account_version", "2024-06-20")
    return Stripe(Store(place.world, place.overlay, place.clock, version), place.limits)
