"""Rate limits, counted on the real clock, because that is what a client waits on."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls allowed per window and account; None switches a limit off."""

    hubspot_per_10_seconds: int | None = 190
    hubspot_search_per_second: int | None = 5
    stripe_per_second: int | None = 100
    stripe_per_second_and_endpoint: int | None = 25
    mixpanel_export_per_hour: int | None = 60
    mixpanel_export_per_second: int | None = 3
    mixpanel_query_per_hour: int | None = 60


class Window:
    """Counts calls in a sliding window of some seconds."""

    def __init__(self, allowed: int | None, seconds: float) -> None:
        self.allowed, self.seconds = allowed, seconds
        self._calls: deque[float] = deque()

    def _forget(self) -> None:
        oldest = time.monotonic() - self.seconds
        while self._calls and self._calls[0] <= oldest:
            self._calls.popleft()

    @property
    def used(self) -> int:
        """Calls within the window."""
        self._forget()
        return len(self._calls)

    @property
    def full(self) -> bool:
        """Whether the next call is one too many."""
        return self.allowed is not None and self.used >= self.allowed

    def count(self) -> None:
        """Count one call."""
        self._calls.append(time.monotonic())
