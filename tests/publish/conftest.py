from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.publish.built_warehouse import build_at


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "published"


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Path]:
    """Builds the warehouse anew: `build(batch=2, rows=5)`."""

    def run(batch: int = 1, rows: int = 100, sources: int = 2) -> Path:
        return build_at(tmp_path / "warehouse.duckdb", batch, rows, sources)

    return run
