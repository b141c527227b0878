"""The pages of Stripe's long lists, kept on the disk until all that a pull brought is extracted.

A first export may take hours. One that breaks off goes on behind its last whole page, as long as
events tell what has happened to the pages before.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ingestion import settings
from ingestion.pull import Pull

# A list that has ended ends in an empty page.
END: list[Any] = []


class SavedPages:
    """The pages of one export of one account, by list.

    `began` is when the export began and `resumed` whether an earlier pull began it. Raises OSError
    when the disk does not take them.
    """

    def __init__(self, pull: Pull, asked_of: str, valid_for: timedelta) -> None:
        self._folder = settings.data_dir() / "exports" / pull.source
        self._asked_of = hashlib.sha256(asked_of.encode()).hexdigest()
        found = self._earlier()
        through = pull.stored.pulled_through()
        self.resumed = (
            found is not None
            and (through is None or through < found)
            and timedelta(0) <= pull.now - found <= valid_for
        )
        self.began = found if found is not None and self.resumed else pull.now
        if not self.resumed:
            self.forget()
            self._folder.mkdir(parents=True)
            note = {"began": self.began.isoformat(), "asked_of": self._asked_of}
            self._note.write_text(json.dumps(note))

    def listed(
        self, name: str, ask: Callable[[str], Iterator[list[Any]]], exists: Callable[[str], bool]
    ) -> Iterator[Any]:
        """All records of a list, first those that are kept. `ask` gives the pages behind an id, or
        all of them behind none; `exists` tells whether an id can still be asked behind."""
        path = self._folder / f"{name}.ndjson"
        ends = list(_whole_pages(path))
        if not ends or ends[-1][1] != "":
            while ends and not exists(ends[-1][1]):
                ends.pop()
            self._cut(path, ends[-1][0] if ends else 0)
        yield from _records(path)
        if ends and ends[-1][1] == "":
            return
        with path.open("ab") as kept:
            for page in ask(ends[-1][1] if ends else ""):
                kept.write(_line(page))
                kept.flush()
                yield from page
            kept.write(_line(END))

    def forget(self) -> None:
        """Deletes what is kept."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _note(self) -> Path:
        return self._folder / "export.json"

    def _earlier(self) -> datetime | None:
        try:
            note = json.loads(self._note.read_text())
            return datetime.fromisoformat(note["began"]) if self._is_ours(note) else None
        except (OSError, ValueError, KeyError):
            return None

    def _is_ours(self, note: Any) -> bool:
        return bool(note["asked_of"] == self._asked_of)

    def _cut(self, path: Path, end: int) -> None:
        with path.open("ab") as kept:
            kept.truncate(end)


def _line(page: list[Any]) -> bytes:
    return json.dumps(page).encode() + b"\n"


def _whole_pages(path: Path) -> Iterator[tuple[int, str]]:
    """Where each page ends in the file, and the id behind which the next one is asked for."""
    if not path.exists():
        return
    end = 0
    with path.open("rb") as kept:
        for line in kept:
            page = json.loads(line) if line.endswith(b"\n") else None
            last = page[-1].get("id") if page and isinstance(page[-1], dict) else None
            if page is None or (page and not last):
                return
            end += len(line)
            yield end, str(last) if page else ""


def _records(path: Path) -> Iterator[Any]:
    with path.open("rb") as kept:
        for line in kept:
            yield from json.loads(line)
