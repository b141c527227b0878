"""Dropped files in the acceptance suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from sandbox import Sandbox
from sandbox.universe.calendar import DAY
from sandbox.vendors.files.content import Line, lines_of
from tests.ingestion.acceptance import Stands, stands

# In a smaller world nobody overrides a tier or a link.
WORLD = {"companies": 60, "months": 12}
WITHOUT = {
    "ties": "rows are not asked for by a timestamp, all of them are read every time",
    "soft_delete": "a file is there or it is not",
    "merge": "files are not merged",
    "flip": "a file in which a column cannot be read is turned away alone, see test_files.py",
    "expire": "the keys of a bucket do not expire",
}
UNSEEN = {
    "csm_sentiment": "expires_on",
    "identity_overrides": "valid_to",
    "community_activity": "account",
    "costs": "note",
    "dropped_files": "problem removed_at",
}
NOTICED = ("removed_at",)


def typed(box: Sandbox) -> list[Line]:
    """The lines that stand in the files: typed by nine o'clock today, and not replaced since."""
    days = (box.now.timestamp() - 9 * 3600 - box.world.frame.start) // DAY
    return [
        line
        for line in lines_of(box.world)
        if line.day <= days and (line.until is None or days < line.until)
    ]


def counts(box: Sandbox) -> dict[str, int]:
    """One row per line, and one per file."""
    lines = typed(box)
    schemas = Counter(PurePosixPath(line.file).parts[0].partition(".")[0] for line in lines)
    return {**schemas, "dropped_files": len({line.file for line in lines})}


def update(box: Sandbox) -> Iterator[Stands]:
    """Somebody corrects the targets."""
    drop(box, "kpi_targets.csv", *TARGETS, "nrr,all,2026-11,99.5%")
    yield stands("kpi_targets", "file_name = 'kpi_targets.csv' and target = '0.995'", 1)
    yield stands("kpi_targets", "file_name = 'kpi_targets.csv'", len(TARGETS))


def late(box: Sandbox) -> Iterator[Stands]:
    """A webinar of last winter, remembered now."""
    drop(box, "touches-late.csv", "account,type,occurred_at", "acme.example,webinar,2026-01-09")
    yield stands("touches", "file_name = 'touches-late.csv'", 1, row_number=2, type="webinar")


def hard_delete(box: Sandbox) -> Iterator[Stands]:
    """The notes of a month go away."""
    gone = min(line.file for line in typed(box) if line.file.startswith("csm_sentiment"))
    box.remove("files", "files", gone)
    yield stands("csm_sentiment", f"file_name = '{gone}'", 0)
    yield stands("dropped_files", f"file_name = '{gone}' and removed_at is not null", 1)


def future(box: Sandbox) -> Iterator[Stands]:
    """An event that is planned for the end of the century is stored as it is."""
    drop(box, "touches-far.csv", "account,type,occurred_at", "acme.example,event,2099-01-01 10:00")
    yield stands("touches", "occurred_at = '2099-01-01 10:00+00'", 1)


TARGETS = ["metric,segment,month,target"] + [
    f"{metric},all,{year}-{month:02},90%"
    for metric in ("nrr", "grr", "logos")
    for year in (2025, 2026)
    for month in range(1, 13)
]


def drop(box: Sandbox, name: str, *lines: str) -> None:
    """Drops a text file of these lines."""
    box.put("files", "files", {"id": name, "text": "\n".join(lines) + "\n"})
