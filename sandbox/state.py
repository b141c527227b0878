"""The file that lets a second run see the same world at a later clock."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

from sandbox.universe.calendar import DAY, add_months, day_of, midnight


@dataclass(frozen=True, slots=True)
class Seed:
    """All that a world depends on: seed, size, length in months, first day (ISO)."""

    seed: int
    companies: int
    months: int
    start: str

    @property
    def first_day(self) -> date:
        """The first day of the world."""
        return date.fromisoformat(self.start)


def first_day(now: datetime, months: int) -> date:
    """Return the day on which a world of `months` that ends at `now` begins."""
    today = midnight(now.date())
    return day_of(add_months(today, -months) // DAY * DAY)


def remembered(path: Path | None) -> Seed | None:
    """Return what a state file keeps; None without a file. ValueError when it is not one."""
    if path is None or not path.exists():
        return None
    try:
        kept = json.loads(path.read_text())
        found = Seed(int(kept["seed"]), int(kept["companies"]), int(kept["months"]), kept["start"])
        date.fromisoformat(found.start)
    except (ValueError, KeyError, TypeError) as problem:
        raise ValueError(
            f"{path} is not a sandbox state file; remove it to start anew"
        ) from problem
    return found


def remember(path: Path, seed: Seed) -> None:
    """Write a state file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(json.dumps(asdict(seed), indent=2) + "\n")
    unfinished.replace(path)
