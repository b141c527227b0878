"""The sandbox's clock: it stands still until somebody moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Holds what the vendors take for the present moment, never beyond `last`."""

    def __init__(self, now: datetime, last: datetime) -> None:
        self._last = last
        self._now = self._checked(now)

    @property
    def now(self) -> datetime:
        """The present moment, aware, UTC, whole seconds."""
        return self._now

    @property
    def seconds(self) -> int:
        """The present moment as epoch seconds."""
        return int(self._now.timestamp())

    def move(self, now: datetime) -> None:
        """Set the present moment; ValueError when the world is not drawn that far."""
        self._now = self._checked(now)

    def advance(self, by: timedelta) -> None:
        """Move the present moment by a difference."""
        self.move(self._now + by)

    def _checked(self, now: datetime) -> datetime:
        if now.tzinfo is None:
            now = now.replace(tzinfo=UTC)
        now = now.astimezone(UTC).replace(microsecond=0)
        if now > self._last:
            raise ValueError(
                f"the sandbox's world ends on {self._last:%Y-%m-%d}; "
                "start a new one (remove the state file) to go further"
            )
        return now
