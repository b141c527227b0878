"""A prepared data folder with every source switched on, once per test process: the definitions need
the parsed dbt project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("orchestration")
    before = dict(os.environ)
    os.environ["C360_DATA_DIR"] = str(home / "data")
    os.environ["C360_PUBLISH_DIR"] = str(home / "published")
    os.environ["DAGSTER_HOME"] = str(home / "data" / "dagster")
    from ingestion import settings
    from orchestration import environment

    os.environ["SOURCES__ENABLED"] = ",".join(settings.known_sources())
    environment.prepare()
    yield home
    os.environ.clear()
    os.environ.update(before)
