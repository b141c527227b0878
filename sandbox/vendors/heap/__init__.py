"""Heap: the dumps that Heap Connect leaves in an S3 bucket."""

from sandbox.service import Place
from sandbox.vendors.heap.dumps import Dumps
from sandbox.vendors.heap.routes import Heap


def serve(place: Place) -> Heap:
    """One Heap environment over `place`.

    Options: `every_hours` (24: how often a dump is made), `connected_days` (45: how long before the
    default end of the world the first dump was made, with everything up to then),
    `redefined_every` (30: after how many dumps some tables are dumped in full once more),
    `codec` ("snappy", "deflate" or "null": how blocks are packed).
    """
    return Heap(Dumps(place.world, place.overlay, place.clock, **place.options))
