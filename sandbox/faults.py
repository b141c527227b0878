"""Misbehaviour on demand: which fault the next matching call meets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# What the gate does to any vendor's calls.
KINDS = frozenset(
    {"rate_limit", "server_error", "down", "cut_stream", "unauthorized", "empty_page", "slow"}
)


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

    def __init__(self, own: Mapping[str, frozenset[str]]) -> None:
        """`own` has the kinds that one vendor alone knows, by vendor."""
        self._own = own
        self._orders: list[Fault] = []

    def add(self, vendor: str, kind: str, times: int | None, path: str, seconds: float) -> None:
        """Order a fault; ValueError for a vendor or kind that does not exist."""
        if vendor not in self._own:
            raise ValueError(f"no vendor {vendor!r}; there are {', '.join(self._own)}")
        known = KINDS | self._own[vendor]
        if kind not in known:
            raise ValueError(f"{vendor} has no fault {kind!r}; it has {', '.join(sorted(known))}")
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
