"""What the page is told from outside; the one module of this folder that looks at the environment.

| variable                | what it decides                                        | without it   |
| ----------------------- | ------------------------------------------------------ | ------------ |
| `C360_PUBLISH_DIR`      | folder of the publication                              | `published/` |
| `C360_PAGE_STALE_HOURS` | age in hours from which publication and pulls are late | 26           |
| `C360_PAGE_USER_HEADER` | header in which an authenticating proxy names the user | no limit     |
| `C360_PAGE_BOOK_COLUMN` | column of customer_360 that must equal it              | `csm_name`   |
| `C360_PAGE_SEES_ALL`    | users, separated by commas, who see every customer     | nobody       |
| `C360_DOCS_URL`         | where `make docs` is served; the page links there      | no link      |
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Settings:
    """The variables above, read once per view. `user_header` is None when nobody is limited;
    `is_half_limited` tells that a limit was meant but no header is named.
    """

    publish_dir: Path
    stale_hours: float
    user_header: str | None
    book_column: str
    sees_all: frozenset[str]
    is_half_limited: bool
    docs_url: str | None


def settings() -> Settings:
    """The settings as of now. Raises ValueError when the number of hours is none."""
    header = os.environ.get("C360_PAGE_USER_HEADER", "").strip()
    column = os.environ.get("C360_PAGE_BOOK_COLUMN", "").strip()
    everyone = os.environ.get("C360_PAGE_SEES_ALL", "")
    return Settings(
        publish_dir=Path(os.environ.get("C360_PUBLISH_DIR") or ROOT / "published").resolve(),
        stale_hours=float(os.environ.get("C360_PAGE_STALE_HOURS") or 26),
        user_header=header or None,
        book_column=column or "csm_name",
        sees_all=frozenset(user.strip() for user in everyone.split(",") if user.strip()),
        is_half_limited=not header and bool(column or everyone.strip()),
        docs_url=os.environ.get("C360_DOCS_URL", "").strip() or None,
    )
