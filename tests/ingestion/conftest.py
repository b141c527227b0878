"""Fixtures: an empty data folder, and a world whose vendors answer on loopback."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingestion import http, pipeline
from sandbox import Sandbox
from tests.ingestion.support import SOURCES, small_world, unpaced


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, no credentials from elsewhere, and waits that take no time."""
    for name in [name for name in os.environ if name.startswith("SOURCES__")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "data"
    monkeypatch.setenv("C360_DATA_DIR", str(folder))
    monkeypatch.setenv("RUNTIME__REQUEST_BACKOFF_FACTOR", "0.0005")
    monkeypatch.setattr(http.Pace, "wait", unpaced)
    return folder


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sandbox], None]:
    """Points the sources at a world and at its clock; again after the clock was moved."""

    def point(box: Sandbox) -> None:
        for name, value in box.environment().items():
            monkeypatch.setenv(name, value)

    return point


@pytest.fixture
def box(at: Callable[[Sandbox], None]) -> Iterator[Sandbox]:
    """A small world that nobody has pulled yet."""
    with small_world() as world:
        at(world)
        yield world


@pytest.fixture(scope="session")
def pulled_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder into which the small world was pulled once, to be copied."""
    folder = tmp_path_factory.mktemp("pulled") / "data"
    with pytest.MonkeyPatch.context() as patch, small_world() as world:
        patch.setenv("C360_DATA_DIR", str(folder))
        for name, value in world.environment().items():
            patch.setenv(name, value)
        for source in SOURCES:
            pipeline.pull(source)
    return folder


@pytest.fixture
def later(box: Sandbox, pulled_once: Path, data_dir: Path) -> Sandbox:
    """The small world after its first pull."""
    shutil.copytree(pulled_once, data_dir)
    return box
