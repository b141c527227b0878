from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.page.small_publication import publish_at

APP = Path(__file__).resolve().parents[2] / "page" / "app.py"
ASIDE = (
    "C360_PAGE_STALE_HOURS",
    "C360_PAGE_USER_HEADER",
    "C360_PAGE_BOOK_COLUMN",
    "C360_PAGE_SEES_ALL",
)

Look = Callable[..., AppTest]


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small publication, for tests that only read it."""
    return publish_at(tmp_path_factory.mktemp("page"))


@pytest.fixture
def look(published: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Opens the page: `look(folder, headers=[...], account="hubspot:acme")`."""
    for name in ASIDE:
        monkeypatch.delenv(name, raising=False)

    def run(
        folder: Path = published, headers: list[str] | None = None, **address: object
    ) -> AppTest:
        class Headers:
            def get_all(self, name: str) -> list[str]:
                return (headers or []) if name == "X-Forwarded-User" else []

        monkeypatch.setattr(type(st.context), "headers", property(lambda _: Headers()))
        monkeypatch.setenv("C360_PUBLISH_DIR", str(folder))
        page = AppTest.from_file(str(APP), default_timeout=60)
        page.query_params.update(address)
        page.run()
        return sound(page)

    return run


def sound(page: AppTest) -> AppTest:
    """The page, of which nothing ended in a traceback."""
    assert [error.value for error in page.exception] == []
    return page


def metrics(page: AppTest) -> dict[str, str]:
    """Label -> value of the large figures."""
    return {metric.label: str(metric.value) for metric in page.metric}


def told(page: AppTest) -> str:
    """Everything that the page says in sentences."""
    kinds = (page.markdown, page.info, page.warning, page.error, page.caption, page.header)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def listed(page: AppTest) -> list[str]:
    """The names in the call list, in its order."""
    return [] if not page.dataframe else page.get_by_key("calls").value.account_name.tolist()
