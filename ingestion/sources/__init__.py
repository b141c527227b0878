"""One file per vendor: its endpoints, keys and cursors."""

from types import ModuleType

from ingestion.sources import hubspot, mixpanel, stripe

MODULES: dict[str, ModuleType] = {"hubspot": hubspot, "stripe": stripe, "mixpanel": mixpanel}
