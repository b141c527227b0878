"""Delighted: the survey tool, with the answers of the made-up world's `feedback` programme.

Options: `calls_per_second` (None: no limit) and `retry_after` (seconds that a 429 names, 5);
`largest_page` (100); `updated_since`, whether a record changed in that very second is shown
("inclusive") or not ("exclusive"), on which the vendor's documentation is silent.
"""

from sandbox.service import Place
from sandbox.vendors.delighted.records import Records
from sandbox.vendors.delighted.routes import Delighted


def serve(place: Place) -> Delighted:
    """One Delighted project over `place`."""
    records = Records(place.world, place.overlay, place.clock)
    return Delighted(records, place.options)
