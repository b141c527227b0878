"""What a vendor's folder gives the sandbox: its endpoints, its settings, its records by id.

A vendor is a module or folder under `sandbox/vendors/` with a function `serve(place)` that returns
a `Service`. Nothing else has to name it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sandbox import vendors
from sandbox.clock import Clock
from sandbox.gate import Vendor
from sandbox.limits import Limits
from sandbox.overlay import Overlay
from sandbox.universe.world import World


@dataclass(frozen=True)
class Place:
    """What a vendor stands on: one world, what tests put over it, the clock, and its options."""

    world: World
    overlay: Overlay
    clock: Clock
    limits: Limits
    options: Mapping[str, Any] = field(default_factory=dict)


class Service(Vendor, Protocol):
    """A vendor as the sandbox drives it."""

    resources: tuple[str, ...]
    """What can be put, removed and looked up by id."""

    archivable: frozenset[str]
    """The resources that the vendor deletes softly."""

    faults: frozenset[str]
    """The ways to misbehave that only this vendor has; its endpoints look for them themselves in
    `scope["sandbox.fault"]`."""

    def environment(self, base_url: str) -> dict[str, str]:
        """Return the variables that point the product at this vendor under `base_url`."""

    def put(self, resource: str, record: Any) -> None:
        """Insert one raw record, or override the one with its id; it may be malformed."""

    def record(self, resource: str, identity: str) -> Any | None:
        """Return a copy of one record as the API would show it in full, None without one."""

    def accounts(self) -> Iterable[tuple[str, str, str]]:
        """Return (true company, id of the record, state) of every account record by now.

        `state` is live, merged or gone. For the hidden truth, never for an answer.
        """


def names() -> tuple[str, ...]:
    """The vendors there are folders for."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules(vendors.__path__)))


def start(name: str, place: Place) -> Service:
    """The vendor over `place`; ModuleNotFoundError without a folder for it."""
    service: Service = importlib.import_module(f"sandbox.vendors.{name}").serve(place)
    return service
