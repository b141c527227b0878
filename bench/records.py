"""Sources of records, pulled whole from the sandbox: rows a second, and how many of the calls that
the vendor allows in a second a pull makes. At 1 the vendor is what a pull waits for.

The sandbox answers on the same machine, so that its own work is part of the time.
"""

from __future__ import annotations

import ast
from pathlib import Path

from bench.events import PULL
from bench.measure import command, line
from sandbox import Sandbox

# Calls a second, from docs/sources; None where the vendor limits days or nothing.
ALLOWED: dict[str, float | None] = {
    "hubspot": 19,
    "salesforce": None,
    "stripe": 100,
    "zendesk": 700 / 60,
    "intercom": 10_000 / 60,
    "delighted": None,
    "files": None,
}


def main(sandbox: Sandbox, home: Path) -> None:
    """Measure every source of records that the sandbox plays."""
    for source, allowed in ALLOWED.items():
        _measure(source, allowed, sandbox, home)


def _measure(source: str, allowed: float | None, sandbox: Sandbox, home: Path) -> None:
    settings = {**sandbox.environment(), "C360_DATA_DIR": str(home / source)}
    log = home / f"{source}.log"
    idle = command(["-c", "import ingestion.pipeline"], settings, log=log)
    before = len(sandbox.requests)
    pulled = command(["-c", PULL, source], settings, log=log)
    calls = len(sandbox.requests) - before
    rows = _rows(log.read_text())
    seconds = pulled.seconds - idle.seconds
    line(
        f"{source}: calls a second, of those allowed",
        calls / seconds / allowed if allowed else 0,
        "~ 1" if allowed else "no limit",
        f"{rows:,} rows in {calls} calls, {rows / seconds:,.0f} rows a second, "
        f"peak {pulled.peak_mb:,.0f} MB",
    )


def _rows(printed: str) -> int:
    """The sum of what a pull printed, a mapping of tables to rows; DuckDB may print after it."""
    counts = next(text for text in printed.splitlines() if text.startswith("{"))
    return sum(ast.literal_eval(counts).values())
