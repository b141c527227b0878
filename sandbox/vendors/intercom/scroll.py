"""The scroll over companies: one at a time, forgotten when nobody asks for a minute."""

from __future__ import annotations

import uuid
from time import monotonic
from typing import Any

PAGE = 100


class ScrollExists(Exception):
    """Another scroll is still open."""


class UnknownScroll(Exception):
    """A scroll that is over, forgotten, or never was."""


class Scrolls:
    """The open scroll of a workspace, on the real clock, because that is what a client waits on."""

    def __init__(self, one_at_a_time: bool, seconds: float) -> None:
        self._one, self._seconds = one_at_a_time, seconds
        self._open: dict[str, tuple[float, list[Any]]] = {}

    def begin(self, rows: list[Any]) -> tuple[str, list[Any]]:
        """Open a scroll over `rows` as they are now; return its name and the first page."""
        self._forget()
        if self._open and self._one:
            raise ScrollExists
        name = str(uuid.uuid4())
        self._open[name] = (monotonic(), list(rows))
        return name, self.next(name)

    def next(self, name: str) -> list[Any]:
        """Return the next page, which is then over: asking again gives the one behind it.

        The empty page at the end closes the scroll. Raises UnknownScroll.
        """
        self._forget()
        if name not in self._open:
            raise UnknownScroll
        rows = self._open[name][1]
        page, left = rows[:PAGE], rows[PAGE:]
        self._open[name] = (monotonic(), left)
        if not page:
            del self._open[name]
        return page

    def lose(self) -> None:
        """Close every scroll without a word."""
        self._open.clear()

    def _forget(self) -> None:
        oldest = monotonic() - self._seconds
        self._open = {name: one for name, one in self._open.items() if one[0] > oldest}
