"""PostHog product analytics: batch exports of events and persons as files to download."""

from sandbox.service import Place
from sandbox.vendors.posthog.routes import PostHog
from sandbox.vendors.posthog.store import Store


def serve(place: Place) -> PostHog:
    """One PostHog project over `place`.

    Options: `calls_per_minute` and `calls_per_hour` (default: unlimited; the vendor has 480 and
    4800), `polls_until_done` (0: how often an export says that it runs before it is done),
    `rows_per_file` (200000: where an export begins another file).
    """
    rows = place.options.get("rows_per_file", 200_000)
    store = Store(place.world, place.overlay, place.clock, rows)
    return PostHog(
        store,
        place.options.get("calls_per_minute"),
        place.options.get("calls_per_hour"),
        place.options.get("polls_until_done", 0),
    )
