"""`make bench`: every measurement, on the default universe, or a named part of them.

`python -m bench [events] [graph] [identity] [page]`
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import events, graph, identity, page
from sandbox import Sandbox

PARTS: dict[str, Callable[[Sandbox, Path], None]] = {
    "events": events.main,
    "graph": graph.main,
    "identity": identity.main,
    "page": page.main,
}


def main(wanted: list[str]) -> None:
    """Start the default universe and measure the parts that are named, or all."""
    with tempfile.TemporaryDirectory() as home, Sandbox() as sandbox:
        for name in wanted or PARTS:
            part_home = Path(home) / name
            part_home.mkdir()
            PARTS[name](sandbox, part_home)


if __name__ == "__main__":
    main(sys.argv[1:])
