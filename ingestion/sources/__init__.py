"""One file per vendor: its endpoints, keys and cursors. `ingestion.settings` lists them."""

from importlib import import_module
from types import ModuleType


def module(source: str) -> ModuleType:
    """The module of a source: its `TABLES`, and `resources(pull)`, what one pull loads."""
    return import_module(f"{__name__}.{source}")
