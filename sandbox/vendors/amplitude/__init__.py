"""Amplitude product analytics: the Export API of one project."""

from sandbox.service import Place
from sandbox.vendors.amplitude.routes import Amplitude
from sandbox.vendors.amplitude.store import Store


def serve(place: Place) -> Amplitude:
    """One Amplitude project over `place`.

    Options: `size_limit`, bytes above which an archive is refused with 400 (4 GB); `timeout_hours`,
    hours from which an export ends in 504 (none); `part_lines`, events per file (20,000).
    """
    options = place.options
    store = Store(place.world, place.overlay, place.clock, int(options.get("part_lines", 20_000)))
    return Amplitude(
        store,
        size_limit=int(options.get("size_limit", 4 << 30)),
        timeout_hours=options.get("timeout_hours"),
    )
