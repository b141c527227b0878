"""The page as people get it: served by `python -m page`, drawn by a real browser."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.page.browser import CHROMIUM, Tab, served
from tests.page.small_publication import EVIL

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

FIRST_CARD = "document.querySelector('button[data-testid=stBaseButton-tertiary]')"


@pytest.fixture(scope="module")
def address(published: Path) -> Iterator[str]:
    """Base URL of the page, limited by a header to the customers of one CSM."""
    limit = {"C360_PAGE_USER_HEADER": "X-Forwarded-User", "C360_PAGE_SEES_ALL": "Boss"}
    with served(published, limit) as url:
        yield url


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A phone in the dark."""
    with Tab(400, 2000, dark=True, profile=tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


def says(text: str) -> str:
    return f"document.body.innerText.includes({text!r})"


def test_the_page_is_closed_opened_looked_at_and_left(
    address: str, tab: Tab, tmp_path: Path
) -> None:
    tab.open(address)
    tab.wait_for(says("Closed"))
    assert "Acme" not in tab.text()

    # As through the proxy.
    tab.send_header("X-Forwarded-User", "Boss")
    tab.open(f"{address}/?lang=ja&tier=tech&tier=high")
    tab.wait_for(FIRST_CARD)
    tab.settled()
    assert "顧客数" in tab.text()
    assert "Bolt" not in tab.text()
    # Text from outside is neither a link nor an element of the page.
    assert EVIL in tab.text()
    assert tab.ask("document.querySelectorAll('a[href*=evil]').length") == 0
    # Nothing is wider than a phone; the ground is that of the browser's setting.
    assert tab.ask("document.documentElement.scrollWidth") <= 400
    ground = tab.ask(
        "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    )
    assert max(int(part) for part in ground[4:-1].split(",")) < 64
    # The download that escapes is the only one.
    assert tab.ask("document.querySelectorAll('[aria-label*=CSV]').length") == 0
    tab.download_to(tmp_path)
    tab.ask("document.querySelector('[data-testid=stDownloadButton] button').click()")
    with tab.downloaded(tmp_path / "whom_to_call_first.csv").open(encoding="utf-8-sig") as file:
        names = [row["顧客"] for row in csv.DictReader(file)]
    assert names == ["Acme", "Cove", f"'{EVIL}", "Dusk"]

    tab.ask(f"{FIRST_CARD}.click()")
    tab.wait_for("location.search.includes('account=hubspot%3Aacme')")
    tab.wait_for(says("スコアを下げている要因"))
    tab.settled()
    assert tab.ask("document.querySelectorAll('.vega-embed canvas, .vega-embed svg').length") >= 3
    tab.ask("history.back()")
    tab.wait_for(FIRST_CARD)
    assert tab.ask("location.search") == "?lang=ja&tier=tech&tier=high"
