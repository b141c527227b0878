"""Segment: the raw logs that its Amazon S3 destination leaves in a bucket."""

from sandbox.service import Place
from sandbox.vendors.segment.logs import Logs
from sandbox.vendors.segment.service import Segment


def serve(place: Place) -> Segment:
    """One Segment workspace over `place`.

    Options: `hours_per_file`, hours of receipt that a log file holds (12); `page`, the most keys of
    a page of a listing (1000).
    """
    options = place.options
    logs = Logs(place.world, place.overlay, place.clock, int(options.get("hours_per_file", 12)))
    return Segment(logs, page=int(options.get("page", 1000)))
