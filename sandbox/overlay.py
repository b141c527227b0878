"""Records that a test puts over the made-up world, takes out of it, or archives."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Put:
    """One record as it was handed in, when, and whether it replaced one with the same id."""

    record: Any
    at: int
    replaces: bool


@dataclass(slots=True)
class Layer:
    """What was done to one resource. Keys are ids; records without a usable id get `#n`."""

    put: dict[str, Put] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    archived: dict[str, int] = field(default_factory=dict)


class Overlay:
    """All layers by vendor and resource; `version` grows with every change."""

    def __init__(self) -> None:
        self.version = 0
        self._layers: dict[tuple[str, str], Layer] = {}

    def layer(self, vendor: str, resource: str) -> Layer:
        """Return the layer of a resource, an empty one when nothing was done to it."""
        return self._layers.setdefault((vendor, resource), Layer())

    def put(self, vendor: str, resource: str, record: Any, at: int, known: bool) -> str:
        """Insert a record, or override the one with its id, and return the key it is kept under."""
        layer = self.layer(vendor, resource)
        identity = record.get("id") if isinstance(record, dict) else None
        usable = isinstance(identity, (str, int)) and identity != "" and identity is not True
        key = str(identity) if usable else f"#{len(layer.put)}"
        layer.put[key] = Put(copy.deepcopy(record), at, known or key in layer.put)
        layer.removed.pop(key, None)
        layer.archived.pop(key, None)
        self.version += 1
        return key

    def remove(self, vendor: str, resource: str, identity: str, at: int) -> None:
        """Let a record vanish."""
        layer = self.layer(vendor, resource)
        layer.put.pop(identity, None)
        layer.removed[identity] = at
        self.version += 1

    def archive(self, vendor: str, resource: str, identity: str, at: int) -> None:
        """Mark a record as archived."""
        self.layer(vendor, resource).archived[identity] = at
        self.version += 1
