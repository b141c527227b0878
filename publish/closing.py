"""Keeps the publication that a month was closed with: what was reported must stay to be seen."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

from publish import folder

CLOSED = "closed"


def closed(target: Path, month: date) -> Path:
    """Where the publication is kept that the month of this day was closed with."""
    return target / CLOSED / f"c360_{month:%Y_%m}.duckdb"


def close_month(target: Path, month: date) -> bool:
    """Keep the newest publication of `target` as the one that closes a month.

    Returns False, and changes nothing, when the month is closed already. Raises FileNotFoundError
    when nothing has been published.
    """
    kept = closed(target, month)
    if kept.exists():
        return False
    kept.parent.mkdir(exist_ok=True)
    copying = folder.building(kept)
    shutil.copyfile((target / folder.DATABASE_LINK).resolve(strict=True), copying)
    copying.chmod(0o444)
    copying.replace(kept)
    return True
