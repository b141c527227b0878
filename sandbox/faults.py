"""Misbehaviour on demand: which fault the next matching call meets."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = frozenset(
    {"rate_limit", "server_error", "down", "cut_stream", "terminated_early", "unauthorized",
     "empty_page", "slow"}
)  # fmt: skip
VENDORS = ("hubspot", "stripe", "mixpanel")


@dataclass(slots=True)
class Fault:
    """One order: `kind` for the next `times` calls (None: all) whose path contains `path`."""

    vendor: str
    kind: str
    times: int | None
    path: str
    seconds: float


class Faults:
    """The orders in force, in the order in which they were given."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []

    def add(self, vendor: str, kind: str, times: int | None, path: str, seconds: float) -> None:
        """Order a fault; ValueError for a vendor or kind that does not exist."""
        if vendor not in VENDORS:
            raise ValueError(f"no vendor {vendor!r}; there are {', '.join(VENDORS)}")
        if kind not in KINDS:
            raise ValueError(f"no fault {kind!r}; there are {', '.join(sorted(KINDS))}")
        if kind == "terminated_early" and vendor != "mixpanel":
            raise ValueError("only mixpanel ends an export early")
        self._orders.append(Fault(vendor, kind, times, path, seconds))

    def clear(self) -> None:
        """Take back every order."""
        self._orders.clear()

    def take(self, vendor: str, path: str) -> Fault | None:
        """Return the fault that this call meets and count it, None for a good day."""
        for order in self._orders:
            if order.vendor == vendor and order.path in path:
                if order.times is not None:
                    order.times -= 1
                    if order.times <= 0:
                        self._orders.remove(order)
                return order
        return None
