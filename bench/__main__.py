"""`make bench`: every measurement, on the default universe, or a named part of them.

`python -m bench [backtest] [events] [graph] [identity] [page] [records]`
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import backtest, events, graph, identity, page, records
from sandbox import Sandbox

PARTS: dict[str, Callable[[Sandbox, Path], None]] = {
    "backtest": backtest.main,
    "events": events.main,
    "graph": graph.main,
    "identity": identity.main,
    "page": page.main,
    "records": records.main,
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
