"""The vendors' APIs on localhost over one made-up world, for a first run and for tests."""

from sandbox.box import Sandbox
from sandbox.limits import Limits

__all__ = ["Limits", "Sandbox"]
