"""Which tests run in one process, those of a file or of a folder that shares one warehouse, and
which of them begin."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# Their fixtures build a warehouse for the whole folder; spread over processes, each builds its own.
ONE_WAREHOUSE = ("tests/transform/health/", "tests/transform/revenue/")
# What takes minutes in one process begins first, or the others would wait for it at the end.
FIRST = ("tests/e2e/", *ONE_WAREHOUSE, "tests/transform/")


class ByFileOrFolder(LoadFileScheduling):
    """`--dist loadfile`, with some folders in place of their files."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return next((folder for folder in ONE_WAREHOUSE if file.startswith(folder)), file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that take longest in front, each file still in one piece."""
    items.sort(key=lambda item: next(
        (place for place, folder in enumerate(FIRST) if item.nodeid.startswith(folder)), len(FIRST)
    ))  # fmt: skip


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFileOrFolder:
    """What pytest-xdist asks for before it hands out tests."""
    return ByFileOrFolder(config, log)
